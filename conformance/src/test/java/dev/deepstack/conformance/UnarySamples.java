package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/// Element-wise ops of one operand.
final class UnarySamples {
  private static final List<String> SHAPES = List.of("[]", "[0]", "[1]", "[17]", "[3,31]", "[s,5]", "[2,1,t,7]");
  private static final List<DType> OTHER_FLOATS = List.of(DType.BF16, DType.F16, DType.F64);
  private static final List<DType> INTEGERS = List.of(DType.I64, DType.I32, DType.I16, DType.I8);

  /// An op with the interval where it is smooth and of moderate size.
  private record Case(Function<Value, Op> op, double low, double high, boolean integers) {}

  private static final List<Case> CASES = List.of(
      new Case(Op.Neg::new, -3, 3, true),
      new Case(Op.Abs::new, -3, 3, true),
      new Case(Op.Sign::new, -3, 3, true),
      new Case(Op.Exp::new, -5, 3, false),
      new Case(Op.Expm1::new, -2, 2, false),
      new Case(Op.Log::new, 0.1, 9, false),
      new Case(Op.Log1p::new, -0.8, 9, false),
      new Case(Op.Sqrt::new, 0.1, 9, false),
      new Case(Op.Rsqrt::new, 0.1, 9, false),
      new Case(Op.Sin::new, -9, 9, false),
      new Case(Op.Cos::new, -9, 9, false),
      new Case(Op.Tanh::new, -3, 3, false),
      new Case(Op.Sigmoid::new, -6, 6, false),
      new Case(Op.Erf::new, -3, 3, false),
      new Case(Op.Floor::new, -9, 9, true),
      new Case(Op.Ceil::new, -9, 9, true),
      new Case(Op.Round::new, -9, 9, true),
      new Case(Op.Trunc::new, -9, 9, true),
      new Case(Op.IsNan::new, -1, 1, true),
      new Case(Op.Silu::new, -6, 6, false),
      new Case(x -> new Op.Gelu(x, false), -4, 4, false),
      new Case(x -> new Op.Gelu(x, true), -4, 4, false));

  private UnarySamples() {}

  static Stream<Sample> all() {
    return Stream.concat(CASES.stream().flatMap(UnarySamples::samples), not());
  }

  private static Stream<Sample> samples(Case c) {
    Stream<Sample> f32 = SHAPES.stream().map(shape -> floats(c, DType.F32, shape));
    Stream<Sample> narrow = OTHER_FLOATS.stream().map(dtype -> floats(c, dtype, "[3,33]"));
    Stream<Sample> special = Stream.of(DType.F32, DType.BF16).map(dtype -> special(c, dtype));
    Stream<Sample> whole = c.integers ? INTEGERS.stream().map(dtype -> integers(c, dtype)) : Stream.of();
    return Stream.of(f32, narrow, special, whole).flatMap(s -> s);
  }

  private static Sample floats(Case c, DType dtype, String shape) {
    var d = new Draft(name(c) + "/" + dtype.text() + shape);
    return apply(d, c, d.uniform(dtype, shape, c.low, c.high));
  }

  private static Sample special(Case c, DType dtype) {
    var d = new Draft(name(c) + "/special " + dtype.text());
    return apply(d, c, d.special(dtype, "[19]"));
  }

  private static Sample integers(Case c, DType dtype) {
    var d = new Draft(name(c) + "/" + dtype.text());
    return apply(d, c, d.integers(dtype, "[s,3]", -100, 100));
  }

  private static Sample apply(Draft d, Case c, Value x) {
    return d.done(d.graph().add(c.op.apply(x)));
  }

  private static String name(Case c) {
    var d = new Draft("");
    Op op = c.op.apply(d.input(DType.F32, "[]"));
    return OpSchema.name(op) + (op instanceof Op.Gelu(_, boolean tanh) && tanh ? " tanh" : "");
  }

  private static Stream<Sample> not() {
    return Stream.of(DType.BOOL, DType.I64, DType.I32, DType.I8, DType.U8).map(dtype -> {
      var d = new Draft("not/" + dtype.text());
      return d.done(d.graph().add(new Op.Not(d.input(dtype, "[s,3]"))));
    });
  }
}
