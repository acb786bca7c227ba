package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// Reading and writing where indices say.
final class IndexSamples {
  private static final List<DType> WIDTHS = List.of(DType.BOOL, DType.BF16, DType.F32, DType.F16, DType.I64, DType.I32);

  private IndexSamples() {}

  static Stream<Sample> all() {
    return Stream.of(gathers(), takes(), scatters(), alongs()).flatMap(s -> s);
  }

  private static Stream<Sample> gathers() {
    Stream<Sample> widths = WIDTHS.stream().map(dtype -> gather(dtype, "[7,5]", "[3]", DType.I64, 0, 7));
    return Stream.concat(widths, Stream.of(
        gather(DType.F32, "[7]", "[]", DType.I64, 0, 7),
        gather(DType.F32, "[7,17]", "[2,3]", DType.I32, 0, 7),
        gather(DType.F32, "[3,7]", "[5]", DType.I64, 1, 7),
        gather(DType.F32, "[2,7,3]", "[s]", DType.I64, 1, 7),
        gather(DType.F32, "[3,2,7]", "[2,2]", DType.I32, 2, 7),
        gather(DType.F32, "[s,5]", "[3]", DType.I64, 0, 13),
        gather(DType.F32, "[7,3]", "[0]", DType.I64, 0, 7),
        gather(DType.F32, "[1,1]", "[17]", DType.I64, 0, 1),
        embedding()));
  }

  private static Sample gather(DType dtype, String x, String indices, DType index, int axis, long extent) {
    var d = new Draft("gather/" + dtype.text() + x + index.text() + indices + " " + axis).exact();
    Value table = d.input(dtype, x);
    return d.done(d.graph().add(new Op.Gather(table, d.integers(index, indices, 0, extent - 1), axis)));
  }

  private static Sample embedding() {
    var d = new Draft("gather/embedding").exact();
    Value table = d.weight(DType.BF16, "[11,5]");
    Value rows = d.graph().add(new Op.Gather(table, d.integers(DType.I64, "[2,s]", 0, 10), 0));
    return d.done(d.graph().cast(rows, DType.F32));
  }

  private static Stream<Sample> takes() {
    return Stream.concat(WIDTHS.stream().map(dtype -> take(dtype, "[3,7]", "[3,5]", DType.I64, 1, 7)), Stream.of(
        take(DType.F32, "[7]", "[1]", DType.I32, 0, 7),
        take(DType.F32, "[7,3]", "[17,2]", DType.I64, 0, 7),
        take(DType.F32, "[2,7,3]", "[1,2,3]", DType.I64, 1, 7),
        take(DType.F32, "[s,7]", "[s,2]", DType.I64, 1, 7),
        take(DType.F32, "[3,7]", "[3,0]", DType.I64, 1, 7)));
  }

  private static Sample take(DType dtype, String x, String indices, DType index, int axis, long extent) {
    var d = new Draft("take_along/" + dtype.text() + x + index.text() + indices + " " + axis).exact();
    Value from = d.input(dtype, x);
    return d.done(d.graph().add(new Op.TakeAlong(from, d.integers(index, indices, 0, extent - 1), axis)));
  }

  private static Stream<Sample> scatters() {
    return Stream.of(Op.Combine.values()).flatMap(combine -> Stream.concat(
        Stream.of(DType.F32, DType.BF16, DType.F16, DType.I64, DType.I32)
            .map(dtype -> scatter(dtype, combine, "[7,5]", "[3]", "[3,5]", 0)),
        Stream.of(
            scatter(DType.F32, combine, "[3,7]", "[2,2]", "[3,2,2]", 1),
            scatter(DType.F32, combine, "[7,17]", "[]", "[17]", 0),
            scatter(DType.F32, combine, "[2,7,3]", "[t]", "[2,t,3]", 1),
            scatter(DType.F32, combine, "[1,2,7,3]", "[1]", "[1,2,1,3]", 2),
            scatter(DType.F32, combine, "[7,s]", "[2]", "[2,s]", 0),
            scatter(DType.F32, combine, "[7,3]", "[0]", "[0,3]", 0))));
  }

  /// Duplicates are likely.
  private static Sample scatter(
      DType dtype, Op.Combine combine, String x, String indices, String source, int axis) {
    var d = new Draft("scatter/" + combine.name().toLowerCase(Locale.ROOT) + " " + dtype.text() + x + indices);
    Value into = d.input(dtype, x);
    Value where = d.integers(DType.I64, indices, 0, 6);
    return d.done(d.graph().add(new Op.Scatter(into, where, d.input(dtype, source), axis, combine)));
  }

  private static Stream<Sample> alongs() {
    return Stream.of(Op.Combine.values()).flatMap(combine -> Stream.concat(
        Stream.of(DType.F32, DType.BF16, DType.F16, DType.I64, DType.I32)
            .map(dtype -> along(dtype, combine, "[3,7]", "[3,5]", 1)),
        Stream.of(
            along(DType.F32, combine, "[7]", "[17]", 0),
            along(DType.F32, combine, "[7,3]", "[2,2]", 0),
            along(DType.F32, combine, "[s,7]", "[s,2]", 1),
            along(DType.F32, combine, "[3,7]", "[0,2]", 1))));
  }

  private static Sample along(DType dtype, Op.Combine combine, String x, String indices, int axis) {
    var d = new Draft("scatter_along/" + combine.name().toLowerCase(Locale.ROOT) + " " + dtype.text() + x + indices);
    Value into = d.input(dtype, x);
    Value where = d.integers(DType.I64, indices, 0, 6);
    return d.done(d.graph().add(new Op.ScatterAlong(into, where, d.input(dtype, indices), axis, combine)));
  }
}
