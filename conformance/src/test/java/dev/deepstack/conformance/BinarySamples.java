package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/// Element-wise ops of two operands and select: broadcasting, dtypes, special values.
final class BinarySamples {
  private interface Make extends BiFunction<Value, Value, Op> {}

  private static final List<Make> ARITHMETIC =
      List.of(Op.Add::new, Op.Sub::new, Op.Mul::new, Op.Div::new, Op.Max::new, Op.Min::new);
  private static final List<Make> DIVISIONS = List.of(Op.FloorDiv::new, Op.Rem::new);
  private static final List<Make> BITS = List.of(Op.And::new, Op.Or::new, Op.Xor::new);
  private static final List<Make> COMPARISONS =
      List.of(Op.Eq::new, Op.Ne::new, Op.Lt::new, Op.Le::new, Op.Gt::new, Op.Ge::new);
  private static final String[][] SHAPES = {
    {"[]", "[]"}, {"[17]", "[17]"}, {"[3,31]", "[31]"}, {"[5,1]", "[1,7]"}, {"[s,3]", "[]"}, {"[0,3]", "[3]"},
    {"[1]", "[2,t,s]"}, {"[2,1,15]", "[3,1]"}
  };
  private static final List<DType> FLOATS = List.of(DType.BF16, DType.F16, DType.F64);
  private static final List<DType> INTEGERS = List.of(DType.I64, DType.I32, DType.I16, DType.I8, DType.U8);

  private BinarySamples() {}

  static Stream<Sample> all() {
    return Stream.of(
            ARITHMETIC.stream().flatMap(BinarySamples::arithmetic),
            DIVISIONS.stream().flatMap(BinarySamples::divisions),
            powers(),
            BITS.stream().flatMap(BinarySamples::bits),
            COMPARISONS.stream().flatMap(BinarySamples::comparisons),
            edges(),
            selects())
        .flatMap(s -> s);
  }

  private static Stream<Sample> arithmetic(Make op) {
    return Stream.of(
            Stream.of(SHAPES).map(shapes -> sample(op, DType.F32, shapes[0], shapes[1])),
            FLOATS.stream().map(dtype -> sample(op, dtype, "[3,33]", "[33]")),
            INTEGERS.stream().map(dtype -> sample(op, dtype, "[s,3]", "[3]")),
            Stream.of(DType.F32, DType.BF16).map(dtype -> special(op, dtype)))
        .flatMap(s -> s);
  }

  private static Sample sample(Make op, DType dtype, String a, String b) {
    var d = new Draft(name(op, dtype) + "/" + dtype.text() + a + b);
    return d.done(d.graph().add(op.apply(d.input(dtype, a), d.input(dtype, b))));
  }

  private static Sample special(Make op, DType dtype) {
    var d = new Draft(name(op, dtype) + "/special " + dtype.text());
    return d.done(d.graph().add(op.apply(d.special(dtype, "[14,1]"), d.special(dtype, "[14]"))));
  }

  /// Divisors away from 0, and quotients that are whole exactly or not nearly.
  private static Stream<Sample> divisions(Make op) {
    Stream<Sample> floats = Stream.of(DType.F32, DType.F64, DType.BF16, DType.F16).map(dtype -> {
      var d = new Draft(name(op, dtype) + "/" + dtype.text());
      Value a = d.values(dtype, "[12,1]", 7, -7, 6, -6, 0, 0.75, -0.75, 13, 100, -100, 1, -1);
      return d.done(d.graph().add(op.apply(a, d.values(dtype, "[6]", 2, -2, 3, 4, -8, 0.5))));
    });
    Stream<Sample> shapes = Stream.of(SHAPES).map(s -> {
      var d = new Draft(name(op, DType.F32) + "/f32" + s[0] + s[1]);
      Value a = d.graph().add(new Op.Add(d.integers(DType.F32, s[0], -9, 9), d.graph().constant(0.5, DType.F32)));
      return d.done(d.graph().add(op.apply(a, d.values(DType.F32, s[1], 2, -4, 8))));
    });
    Stream<Sample> zero = Stream.of(DType.F32).map(dtype -> {
      var d = new Draft(name(op, dtype) + "/by zero");
      return d.done(d.graph().add(op.apply(d.values(dtype, "[4]", 1, -1, 0, Double.NaN), d.values(dtype, "[]", 0))));
    });
    Stream<Sample> whole = INTEGERS.stream().map(dtype -> sample(op, dtype, "[s,3]", "[17,1,1]"));
    return Stream.of(floats, shapes, zero, whole).flatMap(s -> s);
  }

  private static Stream<Sample> powers() {
    Stream<Sample> positive = Stream.of(DType.F32, DType.F64, DType.BF16, DType.F16).flatMap(dtype ->
        Stream.of("[17]", "[s,1]").map(shape -> {
          var d = new Draft("pow/" + dtype.text() + shape);
          return d.done(d.graph().add(
              new Op.Pow(d.uniform(dtype, shape, 0.2, 3), d.uniform(dtype, "[3,1,1]", -2, 2))));
        }));
    Stream<Sample> signs = Stream.of(DType.F32).map(dtype -> {
      var d = new Draft("pow/signs");
      Value a = d.values(dtype, "[7,1]", 0, 0.5, 1, 2, -2, -1, -0.5);
      return d.done(d.graph().add(new Op.Pow(a, d.values(dtype, "[7]", 0, 1, 2, -1, 3, 0.5, -2))));
    });
    return Stream.concat(positive, signs);
  }

  private static Stream<Sample> bits(Make op) {
    return Stream.of(DType.BOOL, DType.I64, DType.I32, DType.U8).flatMap(dtype ->
        Stream.of(sample(op, dtype, "[17]", "[17]"), sample(op, dtype, "[s,1]", "[3]")));
  }

  private static Stream<Sample> comparisons(Make op) {
    Stream<Sample> equal = Stream.of(DType.F32, DType.BF16, DType.F16, DType.F64, DType.I64, DType.I32, DType.U8,
        DType.BOOL).map(dtype -> {
          var d = new Draft(name(op, dtype) + "/ties " + dtype.text());
          return d.done(d.graph().add(
              op.apply(d.integers(dtype, "[3,17]", 0, 3), d.integers(dtype, "[17]", 0, 3))));
        });
    Stream<Sample> shapes = Stream.of(SHAPES).map(s -> sample(op, DType.F32, s[0], s[1]));
    return Stream.of(equal, shapes, Stream.of(special(op, DType.F32))).flatMap(s -> s);
  }

  /// Results that do not fit: they wrap.
  private static Stream<Sample> edges() {
    return Stream.of(DType.I64, DType.I32, DType.I16, DType.I8).map(dtype -> {
      var d = new Draft("add/edges " + dtype.text());
      double min = -Math.scalb(1.0, dtype.bytes() * 8 - 1);
      Value a = d.values(dtype, "[4,1]", min, min + 1024 % -min, -1, 1);
      Value b = d.values(dtype, "[3]", min, -1, 1);
      for (Make op : List.<Make>of(Op.Add::new, Op.Sub::new, Op.Mul::new, Op.Div::new, Op.FloorDiv::new, Op.Rem::new)) {
        d.result(d.graph().add(op.apply(a, b)));
      }
      return d.result(d.graph().add(new Op.Neg(a))).result(d.graph().add(new Op.Abs(a))).done();
    });
  }

  private static Stream<Sample> selects() {
    String[][] shapes = {
      {"[17]", "[17]", "[17]"}, {"[3,1]", "[31]", "[]"}, {"[]", "[5]", "[2,1]"}, {"[s]", "[2,1]", "[s]"},
      {"[0,1]", "[3]", "[1]"}
    };
    Stream<Sample> f32 = Stream.of(shapes).map(s -> select(DType.F32, s));
    Stream<Sample> others = Stream.of(DType.BF16, DType.F16, DType.F64, DType.I64, DType.I32, DType.U8, DType.BOOL)
        .map(dtype -> select(dtype, shapes[1]));
    return Stream.concat(f32, others);
  }

  private static Sample select(DType dtype, String[] s) {
    var d = new Draft("select/" + dtype.text() + s[0] + s[1] + s[2]);
    Value a = dtype == DType.F32 ? d.special(dtype, s[1]) : d.input(dtype, s[1]);
    return d.done(d.graph().add(new Op.Select(d.input(DType.BOOL, s[0]), a, d.input(dtype, s[2]))));
  }

  private static String name(Make op, DType dtype) {
    Value x = new Draft("").input(dtype, "[]");
    return OpSchema.name(op.apply(x, x));
  }
}
