package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.stream.Stream;

/// Matrix products and linear layers.
final class ContractionSamples {
  private ContractionSamples() {}

  static Stream<Sample> all() {
    return Stream.of(products(), transposed(), grouped(), linears()).flatMap(s -> s);
  }

  private static Stream<Sample> products() {
    String[][] shapes = {
      {"[1,1]", "[1,1]"}, {"[7,5]", "[5,3]"}, {"[17,33]", "[33,15]"}, {"[1,31]", "[31,17]"}, {"[33,1]", "[1,33]"},
      {"[16,32]", "[32,48]"}, {"[0,3]", "[3,2]"}, {"[3,0]", "[0,2]"}, {"[2,3]", "[3,0]"}, {"[2,3,5]", "[2,5,7]"},
      {"[2,1,3,5]", "[4,5,2]"}, {"[3,5]", "[2,5,7]"}, {"[s,7]", "[7,5]"}, {"[2,t,s]", "[2,s,3]"}, {"[1,s,5]", "[1,5,s]"}
    };
    Stream<Sample> f32 = Stream.of(shapes).map(s -> product(DType.F32, s[0], s[1]));
    Stream<Sample> others = Stream.of(DType.BF16, DType.F16, DType.F64, DType.I64, DType.I32)
        .flatMap(dtype -> Stream.of(product(dtype, "[17,33]", "[33,15]"), product(dtype, "[2,s,5]", "[5,7]")));
    return Stream.concat(f32, others);
  }

  private static Sample product(DType dtype, String a, String b) {
    var d = new Draft("mat_mul/" + dtype.text() + a + b);
    return d.done(d.graph().add(new Op.MatMul(d.input(dtype, a), d.input(dtype, b))));
  }

  private static Stream<Sample> transposed() {
    var d = new Draft("mat_mul/transposed weight");
    Value w = d.graph().add(new Op.Permute(d.weight(DType.F32, "[15,33]"), List.of(1, 0)));
    Value y = d.graph().add(new Op.MatMul(d.input(DType.F32, "[s,33]"), w));
    return Stream.of(d.done(d.graph().add(new Op.Add(y, d.weight(DType.F32, "[15]")))));
  }

  private static Stream<Sample> grouped() {
    return Stream.of(
        grouped(DType.F32, "[7,5]", "[3,5,2]", DType.I32, 2, 2, 7),
        grouped(DType.BF16, "[7,5]", "[3,5,2]", DType.I32, 1, 4, 7),
        grouped(DType.F16, "[7,5]", "[3,5,2]", DType.I64, 1, 4, 7),
        grouped(DType.F64, "[7,5]", "[3,5,2]", DType.I64, 1, 4, 7),
        grouped(DType.F32, "[17,33]", "[4,33,15]", DType.I32, 0, 9, 9, 16),
        grouped(DType.F32, "[s,7]", "[2,7,3]", DType.I64, 5, 13),
        grouped(DType.F32, "[5,3]", "[2,3,4]", DType.I64, 0, 0),
        grouped(DType.F32, "[0,3]", "[2,3,4]", DType.I64, 0, 0));
  }

  private static Sample grouped(DType dtype, String x, String w, DType index, double... ends) {
    var d = new Draft("grouped_mat_mul/" + dtype.text() + x + w);
    Value rows = d.input(dtype, x);
    return d.done(d.graph().add(
        new Op.GroupedMatMul(rows, d.weight(dtype, w), d.values(index, "[" + ends.length + "]", ends))));
  }

  private static Stream<Sample> linears() {
    String[] shapes = {"[33]", "[1,33]", "[2,3,33]", "[s,33]", "[0,33]", "[1,1,s,33]"};
    Stream<Sample> f32 = Stream.of(shapes).flatMap(shape -> Stream.of(
        linear(DType.F32, shape, DType.F32, 17, false), linear(DType.F32, shape, DType.F32, 17, true)));
    Stream<Sample> stored = Stream.of(DType.BF16, DType.F16, DType.F8E4M3, DType.F8E5M2)
        .map(w -> linear(DType.F32, "[t,33]", w, 31, true));
    Stream<Sample> narrow = Stream.of(DType.BF16, DType.F16, DType.F64)
        .map(dtype -> linear(dtype, "[5,33]", dtype, 17, true));
    return Stream.of(f32, stored, narrow, Stream.of(linear(DType.F32, "[3,33]", DType.F32, 1, false)))
        .flatMap(s -> s);
  }

  private static Sample linear(DType dtype, String x, DType weights, int out, boolean bias) {
    var d = new Draft("linear/" + dtype.text() + x + " " + weights.text() + " " + out + (bias ? " bias" : ""));
    Value rows = d.input(dtype, x);
    if (weights != dtype) {
      // The weight is widened exactly, so the result is as good as its own dtype.
      d.tolerance(1e-5, 1e-5);
    }
    return d.done(d.graph().add(new Op.Linear(rows, d.weight(weights, "[" + out + ",33]"),
        bias ? d.weight(dtype, "[" + out + "]") : null)));
  }
}
