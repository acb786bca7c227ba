package dev.deepstack.bench.overhead;

import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Safetensors;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/// A graph of the benchmark with its one input and the output PyTorch computed for it. The files beside each
/// other in `folder` (`NAME.pt2`, `NAME.ts`, `NAME.onnx`) hold the same weights.
///
/// @param operators how many operators it has, as PyTorch counts them
/// @param row the input, f32, flattened
/// @param shape the shape of input and output
record Graph(String name, int operators, Path folder, float[] row, long[] shape, float[] expected) {

  static Graph read(Path folder, String name, int operators) {
    try (Arena arena = Arena.ofConfined()) {
      Map<String, HostTensor> golden = Safetensors.read(folder.resolve(name + ".safetensors"), arena);
      HostTensor in = Objects.requireNonNull(golden.get("in0"));
      HostTensor out = Objects.requireNonNull(golden.get("out0"));
      return new Graph(name, operators, folder, in.toFloats(), in.shape(), out.toFloats());
    }
  }

  Path file(String ending) {
    return folder.resolve(name + "." + ending);
  }

  /// The largest distance of `actual` from what PyTorch computed.
  double error(float[] actual) {
    double worst = actual.length == expected.length ? 0 : Double.POSITIVE_INFINITY;
    for (int i = 0; i < Math.min(actual.length, expected.length); i++) {
      double distance = Math.abs((double) actual[i] - expected[i]);
      worst = distance <= worst ? worst : distance; // NaN counts as worst
    }
    return worst;
  }
}
