/// The compiled artifact: entry points, kernels, buffer plan; its file form `.dsp`.
module dev.deepstack.program {
  requires transitive dev.deepstack.tensor;
  requires tools.jackson.databind;
  requires static org.jspecify;

  exports dev.deepstack.program;
  exports dev.deepstack.program.code;
  exports dev.deepstack.program.weight;
}
