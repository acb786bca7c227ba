package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Weights in blocks, tiles with scales, activations as codes, caches in pages.
final class StoredSamples {
  private StoredSamples() {}

  static Stream<Sample> all() {
    Stream<Sample> formats = Arrays.stream(BlockFormat.values()).flatMap(f -> Stream.of(
        rows(f), lookedUp(f), linear(f, "[1,%d]", 3, 17), linear(f, "[3,%d]", 1, 16), linear(f, "[13,%d]", 5, 33),
        linear(f, "[2,s,%d]", 2, 40), routed(f, "[1,%d]", 2), routed(f, "[5,%d]", 2), routed(f, "[5,2,%d]", 2),
        routed(f, "[40,%d]", 3)));
    return Stream.of(formats, codes(), tiles(), pages()).flatMap(s -> s);
  }

  private static String name(BlockFormat format) {
    return format.name().toLowerCase(Locale.ROOT);
  }

  private static Sample rows(BlockFormat format) {
    var d = new Draft("dequantize/" + name(format)).exact();
    return d.done(d.graph().add(new Op.Dequantize(d.blocks(format, "[3,%d]", 2), format)));
  }

  private static Sample lookedUp(BlockFormat format) {
    var d = new Draft("dequantize/" + name(format) + " rows of a table").exact();
    Value some = d.graph().add(new Op.Gather(d.blocks(format, "[9,%d]", 1), d.integers(DType.I64, "[s]", 0, 8), 0));
    return d.done(d.graph().add(new Op.Dequantize(some, format)));
  }

  /// With activations as codes, as kernels take them; without, the definition must come out as well.
  private static Sample linear(BlockFormat format, String x, int blocks, int n) {
    var d = new Draft("linear/" + name(format) + x + n);
    Value in = d.input(DType.F32, x.formatted(blocks * format.weights()));
    Value w = d.graph().add(new Op.Dequantize(d.blocks(format, "[" + n + ",%d]", blocks), format));
    Value rounded = d.graph().add(new Op.Int8Blocks(in, format.scaleGroup()));
    d.result(d.graph().add(new Op.Linear(rounded, w, null)));
    if (n == 16) {
      d.result(d.graph().add(new Op.Linear(in, w, null)));
      d.result(rounded);
    }
    return d.tolerance(1e-3, 1e-4).done();
  }

  private static Sample routed(BlockFormat format, String x, int k) {
    var d = new Draft("routed_linear/" + name(format) + x + k);
    Value in = d.input(DType.F32, x.formatted(2 * format.weights()));
    Value w = d.graph().add(new Op.Dequantize(d.blocks(format, "[4,19,%d]", 2), format));
    Value ids = d.integers(DType.I64, "[" + in.type().dim(0) + "," + k + "]", 0, 3);
    Value rounded = d.graph().add(new Op.Int8Blocks(in, format.scaleGroup()));
    return d.tolerance(1e-3, 1e-4).done(d.graph().add(new Op.RoutedLinear(rounded, w, ids)));
  }

  private static Stream<Sample> codes() {
    return Stream.of("[1,32]", "[3,64]", "[s,32]", "[0,32]").map(shape -> {
      var d = new Draft("int8_blocks/" + shape);
      return d.done(d.graph().add(new Op.Int8Blocks(d.input(DType.F32, shape), 16)));
    });
  }

  private static Stream<Sample> tiles() {
    return Stream.of(DType.F8E4M3, DType.BF16, DType.F32).flatMap(t -> Stream.of(
        tiles(t, "[7,5]", "[4,2]"), tiles(t, "[2,8,6]", "[2,4,2]"), tiles(t, "[1,1]", "[1,1]"),
        scaled(t, "[1,70]", 16, 24, 17), scaled(t, "[3,70]", 16, 24, 33), scaled(t, "[13,9]", 32, 4, 16),
        scaled(t, "[2,s,300]", 128, 128, 259), scaled(t, "[200,263]", 128, 128, 150),
        scaled(t, "[1,4500]", 16, 128, 19), scaled(t, "[2,9]", 2, 3, 5), stacked(t),
        scaledExperts(t, "[1,70]", 2), scaledExperts(t, "[5,2,70]", 2), scaledExperts(t, "[40,70]", 3)));
  }

  private static Value scaled(Draft d, DType dtype, String lead, int n, int k, int rows, int columns) {
    String tiles = "[" + lead + Math.ceilDiv(n, rows) + "," + Math.ceilDiv(k, columns) + "]";
    return d.graph().add(new Op.ScaleTiles(d.weight(dtype, "[" + lead + n + "," + k + "]"),
        d.weight(DType.F32, tiles), rows, columns));
  }

  /// A linear layer whose weight has tiles of `rows` x `columns`.
  private static Sample scaled(DType dtype, String x, int rows, int columns, int n) {
    var d = new Draft("linear/tiles " + dtype.text() + x + rows + "," + columns + "," + n);
    Value in = d.input(DType.F32, x);
    int k = Math.toIntExact(in.type().dim(-1).constant());
    return d.done(d.graph().add(new Op.Linear(in, scaled(d, dtype, "", n, k, rows, columns), null)));
  }

  /// The scaled weight is wanted as numbers too.
  private static Sample stacked(DType dtype) {
    var d = new Draft("linear/tiles " + dtype.text() + " shown");
    Value w = scaled(d, dtype, "", 20, 9, 16, 4);
    return d.result(w).done(d.graph().add(new Op.Linear(d.input(DType.F32, "[3,9]"), w, null)));
  }

  private static Sample scaledExperts(DType dtype, String x, int k) {
    var d = new Draft("routed_linear/tiles " + dtype.text() + x + k);
    Value in = d.input(DType.F32, x);
    Value ids = d.integers(DType.I64, "[" + in.type().dim(0) + "," + k + "]", 0, 3);
    return d.done(d.graph().add(new Op.RoutedLinear(in, scaled(d, dtype, "4,", 35, 70, 16, 24), ids)));
  }

  private static Sample tiles(DType dtype, String x, String scales) {
    var d = new Draft("scale_tiles/" + dtype.text() + x).tolerance(1e-6, 1e-6);
    return d.done(d.graph().add(new Op.ScaleTiles(d.input(dtype, x), d.input(DType.F32, scales), 2, 3)));
  }

  private static Stream<Sample> pages() {
    return Stream.of(
        pages("one token", 1, 4, 2, 16, 16, DType.F32, 0, false),
        pages("many heads", 3, 16, 1, 24, 16, DType.F32, 0, false),
        pages("odd heads", 5, 7, 1, 80, 24, DType.F32, 0, true),
        pages("each its own", 4, 3, 3, 33, 7, DType.F32, 0, false),
        pages("window", 9, 4, 2, 16, 16, DType.F32, 5, true),
        pages("wide window", 9, 4, 2, 16, 16, DType.F32, 70, false),
        pages("bf16", 6, 8, 2, 20, 20, DType.BF16, 0, false),
        pages("f16", 6, 8, 2, 20, 20, DType.F16, 11, false),
        pages("codes", 6, 8, 2, 20, 36, DType.I8, 0, true),
        pages("no token", 0, 4, 2, 16, 16, DType.F32, 0, false),
        latent());
  }

  private static Sample pages(
      String what, int tokens, int heads, int groups, int width, int values, DType cache, long window, boolean sinks) {
    var d = new Draft("paged_attention/" + what);
    Value q = d.input(DType.F32, "[" + tokens + "," + heads + "," + width + "]");
    Value k = d.input(cache, "[192," + groups + "," + width + "]");
    Value v = d.input(cache, "[192," + groups + "," + values + "]");
    Value kScale = cache == DType.I8 ? d.uniform(DType.F32, "[192," + groups + "]", 0, 0.1) : null;
    Value vScale = cache == DType.I8 ? d.uniform(DType.F32, "[192," + groups + "]", 0, 0.1) : null;
    Value sink = sinks ? d.input(DType.F32, "[" + heads + "]") : null;
    return d.tolerance(1e-4, 1e-4).done(attention(d, tokens, q, k, v, kScale, vScale, sink, window));
  }

  /// Values are the first part of the keys.
  private static Sample latent() {
    var d = new Draft("paged_attention/latent");
    Value q = d.input(DType.F32, "[4,20,40]");
    Value k = d.input(DType.F32, "[192,1,40]");
    Value v = d.graph().add(new Op.Slice(k, 2, d.dim("0"), d.dim("32"), 1));
    return d.tolerance(1e-4, 1e-4).done(attention(d, 4, q, k, v, null, null, null, 0));
  }

  private static Value attention(
      Draft d, int tokens, Value q, Value k, Value v, @Nullable Value kScale, @Nullable Value vScale,
      @Nullable Value sinks, long window) {
    Value positions = d.integers(DType.I64, "[" + tokens + "]", 0, 95);
    Value sequences = d.integers(DType.I64, "[" + tokens + "]", 0, 1);
    Value pages = d.values(DType.I64, "[2,3]", 4, 0, 2, 5, 3, 1);
    double cap = window == 0 ? 0 : 1.5;
    return d.graph().add(new Op.PagedAttention(q, k, v, kScale, vScale, positions, sequences, pages, sinks, 0.3, cap,
        window, 32));
  }
}
