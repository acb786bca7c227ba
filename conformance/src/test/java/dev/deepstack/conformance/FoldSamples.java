package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/// Reductions, scans and order.
final class FoldSamples {
  private interface Reduce {
    Op make(Value x, List<Integer> axes, boolean keep);
  }

  private static final List<Reduce> SUMS = List.of(Op.ReduceSum::new, Op.ReduceProd::new);
  private static final List<Reduce> EXTREMES = List.of(Op.ReduceMax::new, Op.ReduceMin::new);
  private static final List<DType> DTYPES =
      List.of(DType.BF16, DType.F16, DType.F64, DType.I64, DType.I32, DType.I8, DType.BOOL);

  private FoldSamples() {}

  static Stream<Sample> all() {
    return Stream.of(
            Stream.concat(SUMS.stream(), EXTREMES.stream()).flatMap(FoldSamples::reductions),
            SUMS.stream().map(op -> reduce(op, DType.F32, "[3,0]", List.of(1), false)),
            EXTREMES.stream().map(op -> reduce(op, DType.BOOL, "[3,0]", List.of(1), false)),
            EXTREMES.stream().map(FoldSamples::special),
            scans(), argMaxima(), orders(), ties())
        .flatMap(s -> s);
  }

  private static Stream<Sample> reductions(Reduce op) {
    Stream<Sample> f32 = Stream.of(
        reduce(op, DType.F32, "[1]", List.of(0), false),
        reduce(op, DType.F32, "[17]", List.of(0), true),
        reduce(op, DType.F32, "[3,31]", List.of(1), false),
        reduce(op, DType.F32, "[31,3]", List.of(0), true),
        reduce(op, DType.F32, "[2,3,5]", List.of(0, 2), false),
        reduce(op, DType.F32, "[2,5,3]", List.of(1), true),
        reduce(op, DType.F32, "[3,s]", List.of(1), true),
        reduce(op, DType.F32, "[s,t,2]", List.of(0), false),
        reduce(op, DType.F32, "[2,s]", List.of(0, 1), false),
        reduce(op, DType.F32, "[0,5]", List.of(1), true));
    return Stream.concat(f32, DTYPES.stream().map(dtype -> reduce(op, dtype, "[3,33]", List.of(1), false)));
  }

  /// Values near 1 in size, so that products stay moderate.
  private static Sample reduce(Reduce op, DType dtype, String shape, List<Integer> axes, boolean keep) {
    var probe = op.make(new Draft("").input(DType.F32, "[1]"), List.of(0), false);
    var d = new Draft(OpSchema.name(probe) + "/" + dtype.text() + shape + axes + (keep ? " keep" : ""));
    Value x = !dtype.isFloat() ? d.input(dtype, shape)
        : probe instanceof Op.ReduceProd ? d.uniform(dtype, shape, 0.8, 1.2) : d.input(dtype, shape);
    return d.done(d.graph().add(op.make(x, axes, keep)));
  }

  private static Sample special(Reduce op) {
    var probe = op.make(new Draft("").input(DType.F32, "[1]"), List.of(0), false);
    var d = new Draft(OpSchema.name(probe) + "/special");
    double inf = Double.POSITIVE_INFINITY;
    Value x = d.values(DType.F32, "[3,4]", 1, Double.NaN, 3, 2, -inf, -inf, -inf, -inf, inf, -inf, 0, 1);
    return d.done(d.graph().add(op.make(x, List.of(1), false)));
  }

  private static Stream<Sample> scans() {
    Stream<Sample> f32 = Stream.of(
        one("cum_sum", x -> new Op.CumSum(x, 0), DType.F32, "[1]"),
        one("cum_sum", x -> new Op.CumSum(x, 0), DType.F32, "[0]"),
        one("cum_sum", x -> new Op.CumSum(x, 1), DType.F32, "[3,31]"),
        one("cum_sum first", x -> new Op.CumSum(x, 0), DType.F32, "[5,3]"),
        one("cum_sum middle", x -> new Op.CumSum(x, 1), DType.F32, "[2,s,3]"));
    Stream<Sample> others = Stream.of(DType.BF16, DType.F16, DType.F64, DType.I64, DType.I32)
        .map(dtype -> one("cum_sum", x -> new Op.CumSum(x, 1), dtype, "[3,17]"));
    return Stream.concat(f32, others);
  }

  private static Stream<Sample> argMaxima() {
    Stream<Sample> f32 = Stream.of("[1,3]", "[17,3]", "[31,1]", "[s,5]", "[3,0]")
        .flatMap(shape -> Stream.of(0)
            .map(axis -> one("arg_max " + axis, x -> new Op.ArgMax(x, axis), DType.F32, shape)));
    Stream<Sample> last = Stream.of(DType.F32, DType.BF16, DType.F16, DType.F64, DType.I64, DType.I32)
        .map(dtype -> one("arg_max", x -> new Op.ArgMax(x, 1), dtype, "[3,17]"));
    return Stream.concat(f32, last);
  }

  private static Stream<Sample> orders() {
    Stream<Sample> sorts = Stream.of("[1]", "[0]", "[17]", "[3,31]", "[2,s]").flatMap(shape -> Stream.of(
        one("arg_sort", x -> new Op.ArgSort(x, false), DType.F32, shape),
        one("arg_sort descending", x -> new Op.ArgSort(x, true), DType.F32, shape)));
    Stream<Sample> tops = Stream.of(1L, 2L, 7L).flatMap(k -> Stream.of("[7]", "[3,31]", "[t,s]").flatMap(shape ->
        Stream.of(
            one("top_k " + k, x -> new Op.TopK(x, k, true), DType.F32, shape),
            one("top_k smallest " + k, x -> new Op.TopK(x, k, false), DType.F32, shape))));
    Stream<Sample> others = Stream.of(DType.BF16, DType.F16, DType.F64, DType.I64, DType.I32)
        .flatMap(dtype -> Stream.of(
            one("arg_sort", x -> new Op.ArgSort(x, false), dtype, "[5,17]"),
            one("top_k 3", x -> new Op.TopK(x, 3, true), dtype, "[5,17]")));
    return Stream.of(sorts, tops, others).flatMap(s -> s);
  }

  private static Sample one(String name, Function<Value, Op> op, DType dtype, String shape) {
    String[] words = name.split(" ", 2);
    var d = new Draft(words[0] + "/" + dtype.text() + shape + (words.length > 1 ? " " + words[1] : ""));
    Value x = words[0].equals("cum_sum") ? d.input(dtype, shape) : d.distinct(dtype, shape);
    return d.done(d.graph().add(op.apply(x)));
  }

  /// Equal elements, zeros of both signs and NaN: the lowest index wins, NaN is largest.
  private static Stream<Sample> ties() {
    return Stream.of(DType.F32, DType.BF16, DType.I64).map(dtype -> {
      var d = new Draft("arg_sort/ties " + dtype.text());
      Value x = dtype.isFloat()
          ? d.values(dtype, "[2,7]", 1, Double.NaN, 1, 0, -0.0, Double.NaN, Double.POSITIVE_INFINITY, 0, -0.0, 0,
              2, 2, 1, 2)
          : d.integers(dtype, "[2,7]", 0, 3);
      for (boolean descending : new boolean[] {false, true}) {
        d.result(d.graph().add(new Op.ArgSort(x, descending)));
        d.result(d.graph().add(new Op.TopK(x, 4, descending)));
      }
      return d.done(d.graph().add(new Op.ArgMax(x, 1)));
    });
  }
}
