package dev.deepstack.reference;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;

/// Stored blocks as the numbers they stand for.
final class Blocks {
  private Blocks() {}

  static HostTensor dequantize(HostTensor x, BlockFormat format, long[] shape) {
    HostTensor result = HostTensor.zeros(DType.F32, shape);
    var block = new float[format.weights()];
    for (long b = 0; b < result.elements() / format.weights(); b++) {
      format.dequantize(x.data(), b * format.bytes(), block, 0);
      for (int i = 0; i < block.length; i++) {
        result.setDouble(b * format.weights() + i, block[i]);
      }
    }
    return result;
  }
}
