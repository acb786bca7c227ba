package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Composites of a transformer block: attention, feed-forward layers, routed experts.
final class BlockSamples {
  private static final List<DType> NARROW = List.of(DType.BF16, DType.F16, DType.F64);

  private BlockSamples() {}

  static Stream<Sample> all() {
    return Stream.of(attentions(), gatedMlps(), routedLinears(), routedExperts()).flatMap(s -> s);
  }

  private static Stream<Sample> attentions() {
    Stream<Sample> f32 = Stream.of(
        attention(DType.F32, "[1,1]", "[1,1]", "[1,1]", null, false),
        attention(DType.F32, "[7,5]", "[7,5]", "[7,3]", null, true),
        attention(DType.F32, "[2,3,17,8]", "[2,3,17,8]", "[2,3,17,8]", null, true),
        attention(DType.F32, "[2,4,t,8]", "[2,1,t,8]", "[2,1,t,8]", null, false),
        attention(DType.F32, "[1,2,s,16]", "[1,2,s,16]", "[1,2,s,16]", null, true),
        attention(DType.F32, "[1,2,1,16]", "[1,2,s,16]", "[1,2,s,16]", "[1,1,1,s]", false),
        attention(DType.F32, "[2,3,5,4]", "[2,3,9,4]", "[2,3,9,4]", "[5,9]", false),
        attention(DType.F32, "[2,3,5,4]", "[2,3,9,4]", "[2,3,9,4]", "[2,1,5,9]", true),
        attention(DType.F32, "[2,0,4]", "[2,3,4]", "[2,3,4]", null, false),
        additive("[2,3,5,4]", "[1,1,5,9]"));
    Stream<Sample> narrow = NARROW.stream().map(
        dtype -> attention(dtype, "[2,3,5,8]", "[2,3,9,8]", "[2,3,9,8]", "[5,9]", false));
    return Stream.of(f32, narrow, blocks()).flatMap(x -> x);
  }

  /// Several blocks of rows and of keys, odd widths, heads that share keys and values.
  private static Stream<Sample> blocks() {
    return Stream.of(
        attention(DType.F32, "[2,4,17,16]", "[2,1,70,16]", "[2,1,70,20]", null, true),
        attention(DType.F32, "[1,6,1,24]", "[1,2,70,24]", "[1,2,70,80]", "[1,1,1,70]", false, 3),
        attention(DType.F32, "[1,8,3,20]", "[1,2,69,20]", "[1,2,69,1]", "[3,69]", false, 4),
        attention(DType.F32, "[1,8,40,80]", "[1,1,133,80]", "[1,1,133,24]", "[1,1,40,133]", false),
        attention(DType.F32, "[3,2,140,1]", "[3,2,140,1]", "[3,2,140,33]", null, true),
        attention(DType.F32, "[140,70]", "[150,70]", "[150,300]", "[140,1]", false),
        attention(DType.F32, "[1,1,11,150]", "[1,1,65,150]", "[1,1,65,47]", "[1,65]", true),
        window("[2,4,90,16]", "[2,2,200,16]", "[90,200]"),
        window("[2,4,3,16]", "[2,2,200,16]", "[3,200]"));
  }

  private static Sample attention(
      DType dtype, String q, String k, String v, @Nullable String mask, boolean causal, int group) {
    var d = new Draft("attention/" + dtype.text() + q + k + v + " repeated" + (causal ? " causal" : ""));
    Value query = d.input(dtype, q);
    Value key = repeated(d, d.input(dtype, k), group);
    Value value = repeated(d, d.input(dtype, v), group);
    @Nullable Value allowed = mask == null ? null
        : d.graph().add(new Op.Ne(d.integers(DType.I64, mask, 0, 3), d.graph().constant(0, DType.I64)));
    return d.done(d.graph().add(new Op.Attention(query, key, value, allowed, 0.35, causal)));
  }

  /// Each head `group` times in a row, as models write it.
  private static Value repeated(Draft d, Value x, int group) {
    var dims = new ArrayList<>(x.type().shape().dims());
    dims.add(2, Dim.ONE);
    Value apart = d.graph().add(new Op.Reshape(x, new Shape(dims)));
    dims.set(2, Dim.of(group));
    Value wide = d.graph().add(new Op.Expand(apart, new Shape(dims)));
    dims.remove(2);
    dims.set(1, dims.get(1).times(group));
    return d.graph().add(new Op.Reshape(wide, new Shape(dims)));
  }

  /// Row `t` sees the keys in `(t, t + 40]`.
  private static Sample window(String q, String k, String mask) {
    var d = new Draft("attention/window" + q);
    Value t = d.graph().add(new Op.Iota(d.parse(mask).dim(0)));
    Value s = d.graph().add(new Op.Iota(d.parse(mask).dim(1)));
    Value row = d.graph().add(new Op.Reshape(t, d.parse("[" + d.parse(mask).dim(0) + ",1]")));
    Value distance = d.graph().add(new Op.Sub(s, row));
    Value allowed = d.graph().add(new Op.And(
        d.graph().add(new Op.Gt(distance, d.graph().constant(0, DType.I64))),
        d.graph().add(new Op.Le(distance, d.graph().constant(40, DType.I64)))));
    Value key = repeated(d, d.input(DType.F32, k), 2);
    return d.done(d.graph().add(new Op.Attention(d.input(DType.F32, q), key, key, allowed, 0.35, false)));
  }

  /// A bool mask lets three of four keys through; some rows may have none left.
  private static Sample attention(
      DType dtype, String q, String k, String v, @Nullable String mask, boolean causal) {
    var d = new Draft("attention/" + dtype.text() + q + k + v
        + (mask == null ? "" : " mask") + (causal ? " causal" : ""));
    Value query = d.input(dtype, q);
    Value key = d.input(dtype, k);
    Value value = d.input(dtype, v);
    @Nullable Value allowed = mask == null ? null
        : d.graph().add(new Op.Ne(d.integers(DType.I64, mask, 0, 3), d.graph().constant(0, DType.I64)));
    return d.done(d.graph().add(new Op.Attention(query, key, value, allowed, 0.35, causal)));
  }

  /// The second row of the mask lets nothing through.
  private static Sample additive(String q, String mask) {
    var d = new Draft("attention/additive mask");
    double inf = Double.NEGATIVE_INFINITY;
    Value add = d.values(DType.F32, mask, 0, inf, 1, 0, -1, 0, inf, 0, 0, inf, inf, inf, inf, inf, inf, inf, inf, inf,
        0, 0, 0, 0, 0, 0, 0, 0, inf);
    return d.done(d.graph().add(new Op.Attention(d.input(DType.F32, q), d.input(DType.F32, "[2,3,9,4]"),
        d.input(DType.F32, "[2,3,9,7]"), add, 0.5, false)));
  }

  private static Stream<Sample> gatedMlps() {
    Stream<Sample> activations = Stream.of(Op.Activation.values())
        .map(a -> gatedMlp(DType.F32, "[3,7]", DType.F32, 17, a));
    return Stream.of(activations, NARROW.stream().map(t -> gatedMlp(t, "[3,7]", t, 17, Op.Activation.SILU)),
        Stream.of(
            gatedMlp(DType.F32, "[s,16]", DType.F32, 33, Op.Activation.SILU),
            gatedMlp(DType.F32, "[1,1,32]", DType.F32, 31, Op.Activation.SILU),
            gatedMlp(DType.F32, "[0,7]", DType.F32, 5, Op.Activation.SILU),
            gatedMlp(DType.F32, "[3,7]", DType.BF16, 5, Op.Activation.SILU))).flatMap(s -> s);
  }

  private static Sample gatedMlp(DType dtype, String x, DType weight, int hidden, Op.Activation activation) {
    var d = new Draft("gated_mlp/" + dtype.text() + x + " " + weight.text() + " " + hidden + " "
        + activation.name().toLowerCase(Locale.ROOT));
    Value in = d.input(dtype, x);
    String up = "[" + hidden + "," + in.type().dim(-1) + "]";
    Value down = d.weight(weight, "[" + in.type().dim(-1) + "," + hidden + "]");
    if (weight != dtype) {
      d.tolerance(1e-5, 1e-5);
    }
    return d.done(d.graph().add(
        new Op.GatedMlp(in, d.weight(weight, up), d.weight(weight, up), down, activation)));
  }

  private static Stream<Sample> routedLinears() {
    Stream<Sample> f32 = Stream.of(
        routedLinear(DType.F32, "[3,7]", DType.F32, "[3,2]", DType.I64),
        routedLinear(DType.F32, "[3,2,7]", DType.F32, "[3,2]", DType.I64),
        routedLinear(DType.F32, "[1,7]", DType.F32, "[1,1]", DType.I32),
        routedLinear(DType.F32, "[s,7]", DType.F32, "[s,3]", DType.I64),
        routedLinear(DType.F32, "[s,3,7]", DType.F32, "[s,3]", DType.I64),
        routedLinear(DType.F32, "[0,7]", DType.F32, "[0,2]", DType.I64),
        routedLinear(DType.F32, "[5,7]", DType.BF16, "[5,2]", DType.I64));
    return Stream.concat(f32, NARROW.stream().map(t -> routedLinear(t, "[5,7]", t, "[5,2]", DType.I64)));
  }

  private static Sample routedLinear(DType dtype, String x, DType weight, String ids, DType index) {
    var d = new Draft("routed_linear/" + dtype.text() + x + " " + weight.text() + " " + index.text() + ids);
    if (weight != dtype) {
      d.tolerance(1e-5, 1e-5);
    }
    Value in = d.input(dtype, x);
    return d.done(d.graph().add(
        new Op.RoutedLinear(in, d.weight(weight, "[4,17,7]"), d.integers(index, ids, 0, 3))));
  }

  private static Stream<Sample> routedExperts() {
    Stream<Sample> activations = Stream.of(Op.Activation.values())
        .map(a -> routedExperts(DType.F32, "3", 2, DType.F32, a));
    return Stream.of(activations, NARROW.stream().map(t -> routedExperts(t, "3", 2, t, Op.Activation.SILU)),
        Stream.of(
            routedExperts(DType.F32, "s", 3, DType.F32, Op.Activation.SILU),
            routedExperts(DType.F32, "1", 1, DType.F32, Op.Activation.SILU),
            routedExperts(DType.F32, "0", 2, DType.F32, Op.Activation.SILU),
            routedExperts(DType.F32, "5", 2, DType.BF16, Op.Activation.SILU))).flatMap(s -> s);
  }

  private static Sample routedExperts(DType dtype, String rows, int k, DType weight, Op.Activation activation) {
    var d = new Draft("routed_experts/" + dtype.text() + "[" + rows + "] " + k + " " + weight.text() + " "
        + activation.name().toLowerCase(Locale.ROOT));
    if (weight != dtype) {
      d.tolerance(1e-5, 1e-5);
    }
    String choices = "[" + rows + "," + k + "]";
    Value x = d.input(dtype, "[" + rows + ",7]");
    Value ids = d.integers(DType.I64, choices, 0, 4);
    Value gates = d.uniform(dtype, choices, 0, 1);
    return d.done(d.graph().add(new Op.RoutedExperts(
        x, ids, gates, d.weight(weight, "[5,34,7]"), d.weight(weight, "[5,7,17]"), activation)));
  }
}
