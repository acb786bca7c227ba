package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.stream.Stream;

/// Every conversion, exactly. Floats that do not fit an integer are left out: targets differ.
final class CastSamples {
  private static final List<DType> DTYPES = List.of(DType.BOOL, DType.U8, DType.I8, DType.I16, DType.I32, DType.I64,
      DType.F8E4M3, DType.F8E5M2, DType.F16, DType.BF16, DType.F32, DType.F64);

  private CastSamples() {}

  static Stream<Sample> all() {
    return Stream.of(
            DTYPES.stream().map(CastSamples::fromEach), special(), wraps(), halves(), shapes())
        .flatMap(s -> s);
  }

  private static Sample fromEach(DType from) {
    var d = new Draft("cast/from " + from.text()).exact();
    Value x = from.isFloat() ? d.uniform(from, "[3,s]", 0, 120) : d.integers(from, "[3,s]", 0, 120);
    DTYPES.stream().filter(to -> to != from).forEach(to -> d.result(d.graph().cast(x, to)));
    return d.done();
  }

  private static Stream<Sample> special() {
    return Stream.of(DType.F32, DType.F64, DType.BF16, DType.F16).map(from -> {
      var d = new Draft("cast/special " + from.text()).exact();
      Value x = d.special(from, "[19]");
      Stream.of(DType.BOOL, DType.F16, DType.BF16, DType.F32, DType.F64).filter(to -> to != from)
          .forEach(to -> d.result(d.graph().cast(x, to)));
      return d.done();
    });
  }

  private static Stream<Sample> wraps() {
    return Stream.of(DType.I64, DType.I32).map(from -> {
      var d = new Draft("cast/wraps " + from.text()).exact();
      Value x = d.integers(from, "[33]", -100_000, 100_000);
      List.of(DType.U8, DType.I8, DType.I16, DType.BOOL).forEach(to -> d.result(d.graph().cast(x, to)));
      return d.done();
    });
  }

  /// Halfway cases of the narrow formats, their largest and smallest numbers, and fractions on the way to integers.
  private static Stream<Sample> halves() {
    var d = new Draft("cast/halves").exact();
    Value x = d.values(DType.F32, "[17]", 1.00390625, 1.01171875, -1.00390625, 1.00048828125, 1.00146484375, 65504,
        65519.9, 65520, 6e-8, 3e-8, 2.9e-8, 1e-40, -1e-40, 0.5, -0.5, 0.999999, -3.4e38);
    d.result(d.graph().cast(x, DType.BF16)).result(d.graph().cast(x, DType.F16));
    Value small = d.values(DType.F32, "[9]", 1.0625, 1.1875, 447, 0.001, -0.0009765625, 0.0029, 1.125, -1.375, 17);
    d.result(d.graph().cast(small, DType.F8E4M3)).result(d.graph().cast(small, DType.F8E5M2));
    Value fractions = d.values(DType.F32, "[8]", 0.5, -0.5, 1.999, -1.999, 2.5, -2.5, 0, -0.0);
    d.result(d.graph().cast(fractions, DType.I32)).result(d.graph().cast(fractions, DType.I64));
    return Stream.of(d.done());
  }

  private static Stream<Sample> shapes() {
    return Stream.of("[]", "[0]", "[1]", "[2,0,3]", "[s]", "[31]").map(shape -> {
      var d = new Draft("cast/" + shape).exact();
      return d.done(d.graph().cast(d.input(DType.F32, shape), DType.BF16));
    });
  }
}
