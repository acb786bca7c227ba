/// Element types, symbolic dimensions, shapes, tensors in host memory, safetensors files.
module dev.deepstack.tensor {
  exports dev.deepstack.tensor;

  requires tools.jackson.databind;
  requires static org.jspecify;
}
