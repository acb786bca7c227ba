package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.stream.Stream;

/// Composites over one axis: softmax, norms, rotary positions.
final class NormSamples {
  private static final List<DType> NARROW = List.of(DType.BF16, DType.F16, DType.F64);
  private static final List<String> SHAPES = List.of("[1]", "[7]", "[3,31]", "[2,3,17]", "[s,16]", "[0,5]", "[1,s,33]");

  private NormSamples() {}

  static Stream<Sample> all() {
    return Stream.of(softmaxes(), rmsNorms(), layerNorms(), ropes()).flatMap(s -> s);
  }

  private static Stream<Sample> softmaxes() {
    Stream<Sample> f32 = SHAPES.stream().map(shape -> softmax(DType.F32, shape, -1));
    Stream<Sample> others = NARROW.stream().map(dtype -> softmax(dtype, "[3,33]", 1));
    return Stream.of(f32, others,
        Stream.of(softmax(DType.F32, "[5,3]", 0), softmax(DType.F32, "[2,s,3]", 1), softmax(DType.F32, "[3,s]", 1)),
        Stream.of(bigSoftmax())).flatMap(s -> s);
  }

  private static Sample softmax(DType dtype, String shape, int axis) {
    var d = new Draft("softmax/" + dtype.text() + shape + " " + axis);
    return d.done(d.graph().add(new Op.Softmax(d.input(dtype, shape), axis)));
  }

  /// Logits that overflow without the subtraction, masked logits, and a row that is all masked: NaN.
  private static Sample bigSoftmax() {
    var d = new Draft("softmax/special");
    double inf = Double.NEGATIVE_INFINITY;
    Value x = d.values(DType.F32, "[3,3]", 1000, 999, 998, 1, inf, 2, inf, inf, inf);
    return d.done(d.graph().add(new Op.Softmax(x, 1)));
  }

  private static Stream<Sample> rmsNorms() {
    Stream<Sample> f32 = SHAPES.stream().flatMap(shape -> Stream.of(
        rmsNorm(DType.F32, shape, DType.F32, true), rmsNorm(DType.F32, shape, DType.F32, false)));
    Stream<Sample> narrow = NARROW.stream().map(dtype -> rmsNorm(dtype, "[3,33]", dtype, true));
    return Stream.of(f32, narrow, Stream.of(rmsNorm(DType.F32, "[3,33]", DType.BF16, true),
        rmsNorm(DType.BF16, "[3,33]", DType.F32, true), rmsNorm(DType.F32, "[3,s]", DType.F32, false)))
        .flatMap(s -> s);
  }

  private static Sample rmsNorm(DType dtype, String shape, DType weight, boolean weighted) {
    var d = new Draft("rms_norm/" + dtype.text() + shape + (weighted ? " " + weight.text() : ""));
    Value x = d.input(dtype, shape);
    return d.done(d.graph().add(
        new Op.RmsNorm(x, weighted ? d.weight(weight, "[" + x.type().dim(-1) + "]") : null, 1e-5)));
  }

  private static Stream<Sample> layerNorms() {
    Stream<Sample> f32 = SHAPES.stream().flatMap(shape -> Stream.of(
        layerNorm(DType.F32, shape, true, true), layerNorm(DType.F32, shape, false, false)));
    Stream<Sample> narrow = NARROW.stream().map(dtype -> layerNorm(dtype, "[3,33]", true, true));
    return Stream.of(f32, narrow, Stream.of(layerNorm(DType.F32, "[3,33]", true, false),
        layerNorm(DType.F32, "[3,33]", false, true), layerNorm(DType.F32, "[3,s]", false, false))).flatMap(s -> s);
  }

  private static Sample layerNorm(DType dtype, String shape, boolean weight, boolean bias) {
    var d = new Draft("layer_norm/" + dtype.text() + shape + (weight ? " weight" : "") + (bias ? " bias" : ""));
    Value x = d.input(dtype, shape);
    String width = "[" + x.type().dim(-1) + "]";
    return d.done(d.graph().add(new Op.LayerNorm(
        x, weight ? d.weight(dtype, width) : null, bias ? d.weight(dtype, width) : null, 1e-5)));
  }

  private static Stream<Sample> ropes() {
    Stream<Sample> f32 = Stream.of(Op.RopeLayout.values()).flatMap(layout -> Stream.of(
        rope(DType.F32, layout, "[1,2]", "1", 2),
        rope(DType.F32, layout, "[2,3,s,6]", "s", 6),
        rope(DType.F32, layout, "[2,5,34]", "5", 34),
        rope(DType.F32, layout, "[0,16]", "0", 16),
        rope(DType.BF16, layout, "[2,3,5,8]", "5", 8),
        rope(DType.F16, layout, "[2,3,5,8]", "5", 8),
        rope(DType.F64, layout, "[5,8]", "5", 8)));
    return f32;
  }

  private static Sample rope(DType dtype, Op.RopeLayout layout, String shape, String length, int width) {
    var d = new Draft("rope/" + layout.name().toLowerCase(java.util.Locale.ROOT) + " " + dtype.text() + shape);
    Value x = d.input(dtype, shape);
    String table = "[" + length + "," + (layout == Op.RopeLayout.HALVES ? width : width / 2) + "]";
    return d.done(d.graph().add(
        new Op.Rope(x, d.uniform(dtype, table, -1, 1), d.uniform(dtype, table, -1, 1), layout)));
  }
}
