package dev.deepstack.bench.peer;

import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Safetensors;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/// A graph of a benchmark with its one input and the output PyTorch computed for it. The files beside each
/// other in `folder` (`NAME.pt2`, `NAME.ts`, `NAME.onnx`) hold the same weights.
///
/// @param input f32 or i64
/// @param expected f32
public record Graph(String name, Path folder, HostTensor input, HostTensor expected) {

  /// @param arena holds the tensors
  public static Graph read(Path folder, String name, Arena arena) {
    Map<String, HostTensor> golden = Safetensors.read(folder.resolve(name + ".safetensors"), arena);
    return new Graph(name, folder, Objects.requireNonNull(golden.get("in0")),
        Objects.requireNonNull(golden.get("out0")));
  }

  public Path file(String ending) {
    return folder.resolve(name + "." + ending);
  }

  /// The largest distance of `actual` from what PyTorch computed.
  public double error(float[] actual) {
    float[] wanted = expected.toFloats();
    double worst = actual.length == wanted.length ? 0 : Double.POSITIVE_INFINITY;
    for (int i = 0; i < Math.min(actual.length, wanted.length); i++) {
      double distance = Math.abs((double) actual[i] - wanted[i]);
      worst = distance <= worst ? worst : distance; // NaN counts as worst
    }
    return worst;
  }

  /// The largest number of the expected output, without its sign.
  public double magnitude() {
    double most = 0;
    for (float value : expected.toFloats()) {
      most = Math.max(most, Math.abs(value));
    }
    return most;
  }
}
