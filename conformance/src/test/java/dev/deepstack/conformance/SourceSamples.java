package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.stream.Stream;

/// Values that come from nowhere, and graphs without any op.
final class SourceSamples {
  private SourceSamples() {}

  static Stream<Sample> all() {
    return Stream.of(constants(), special(), dims(), iota("iota/static", "7"), iota("iota/one", "1"),
        iota("iota/empty", "0"), iota("iota/symbolic", "2*s+1"), used(), passed(), twice());
  }

  private static Sample constants() {
    var d = new Draft("constant/dtypes").exact();
    for (DType dtype : List.of(DType.F32, DType.BF16, DType.F16, DType.F64)) {
      d.result(d.graph().constant(-3.1415926535, dtype));
    }
    for (DType dtype : List.of(DType.I64, DType.I32, DType.I16, DType.I8)) {
      d.result(d.graph().constant(-7, dtype));
    }
    return d.result(d.graph().constant(1, DType.BOOL)).result(d.graph().constant(200, DType.U8)).done();
  }

  private static Sample special() {
    var d = new Draft("constant/special").exact();
    for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, -0.0}) {
      d.result(d.graph().constant(value, DType.F32)).result(d.graph().constant(value, DType.BF16));
    }
    return d.result(d.graph().constant(0x1p53, DType.I64)).done();
  }

  private static Sample dims() {
    var d = new Draft("dim_value/expressions");
    d.input(DType.F32, "[s,2,t]");
    for (String dim : List.of("5", "s", "2*s+t", "s*t", "floordiv(s,2)", "mod(s,5)", "max(s,t)", "min(s,t)", "t-s")) {
      d.result(d.graph().add(new Op.DimValue(d.dim(dim))));
    }
    return d.done();
  }

  private static Sample iota(String name, String extent) {
    var d = new Draft(name);
    if (!d.dim(extent).isConstant()) {
      d.input(DType.F32, "[s]");
    }
    return d.done(d.graph().add(new Op.Iota(d.dim(extent))));
  }

  private static Sample used() {
    var d = new Draft("iota/used");
    Value x = d.input(DType.F32, "[3,s]");
    Value i = d.graph().cast(d.graph().add(new Op.Iota(x.type().dim(1))), DType.F32);
    Value n = d.graph().cast(d.graph().add(new Op.DimValue(x.type().dim(1))), DType.F32);
    return d.done(d.graph().add(new Op.Div(d.graph().add(new Op.Mul(x, i)), n)));
  }

  private static Sample passed() {
    var d = new Draft("input/passed").exact();
    return d.result(d.input(DType.BF16, "[3,s]")).result(d.input(DType.BOOL, "[0,2]"))
        .result(d.weight(DType.F32, "[5]")).done();
  }

  private static Sample twice() {
    var d = new Draft("input/twice").exact();
    Value x = d.input(DType.F32, "[7]");
    return d.result(x).result(x).done(d.graph().add(new Op.Add(x, x)));
  }
}
