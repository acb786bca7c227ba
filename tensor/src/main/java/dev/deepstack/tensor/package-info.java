/// Element types, symbolic shapes, host tensors and the safetensors format.
@org.jspecify.annotations.NullMarked
package dev.deepstack.tensor;
