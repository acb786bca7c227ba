package dev.deepstack.examples;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.reference.Interpreter;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.Map;

/// The smallest whole story, with nothing but the graph and its interpreter: a layer `silu(x w^T) + x` for any number
/// of rows, written down, printed and run.
public final class Tiny {
  private Tiny() {}

  /// `x [rows,2]` to `[rows,2]`.
  static Graph layer() {
    var g = new Graph();
    g.symbol("rows", new DimRange(1, 100));
    Value x = g.input("x", new TensorType(DType.F32, Shape.of(Dim.symbol("rows"), Dim.of(2))));
    Value w = g.weight("w", TensorType.of(DType.F32, 2, 2));
    Value y = g.add(new Op.Linear(x, w, null));
    g.result("y", g.add(new Op.Add(g.add(new Op.Silu(y)), x)));
    return g;
  }

  static HostTensor run(HostTensor x) {
    HostTensor w = HostTensor.of(new float[] {1, 0, 0, -1}, 2, 2);
    return Interpreter.run(layer(), Map.of("x", x), Map.of(), _ -> w).results().firstEntry().getValue();
  }

  /// Prints the graph and one result.
  public static void main(String[] args) {
    System.out.println(layer());
    System.out.println(java.util.Arrays.toString(run(HostTensor.of(new float[] {1, 2}, 1, 2)).toFloats()));
  }
}
