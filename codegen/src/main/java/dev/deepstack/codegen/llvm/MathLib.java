package dev.deepstack.codegen.llvm;

import java.util.List;
import java.util.function.BiFunction;

/// Vector mathematics for generated code. Each function takes a `float` or `<n x float>` value
/// and emits a call of a small function that the module gets on first use and that is inlined.
/// Results are within 2.5 ulp of the exact ones, special values included. `double` values, and
/// the rare functions, go lane by lane to the C library.
// Coefficients are written as they were published, not as the nearest float.
@SuppressWarnings("FloatingPointLiteralPrecision")
public final class MathLib {
  private MathLib() {}

  public static String exp(Fn f, String x) {
    return f.type(x).contains("double")
        ? perLane(f, "exp", x)
        : inline(f, "exp", x, MathLib::expBody);
  }

  public static String log(Fn f, String x) {
    return f.type(x).contains("double")
        ? perLane(f, "log", x)
        : inline(f, "log", x, MathLib::logBody);
  }

  public static String tanh(Fn f, String x) {
    return f.type(x).contains("double")
        ? perLane(f, "tanh", x)
        : inline(f, "tanh", x, MathLib::tanhBody);
  }

  /// 1 / (1 + exp(-x))
  public static String sigmoid(Fn f, String x) {
    return inline(f, "sigmoid", x, MathLib::sigmoidBody);
  }

  public static String erf(Fn f, String x) {
    return f.type(x).contains("double")
        ? perLane(f, "erf", x)
        : inline(f, "erf", x, MathLib::erfBody);
  }

  /// Accurate for |x| up to 1e8.
  public static String sin(Fn f, String x) {
    return f.type(x).contains("double")
        ? perLane(f, "sin", x)
        : inline(f, "sin", x, (g, v) -> sineBody(g, v, 0));
  }

  /// Accurate for |x| up to 1e8.
  public static String cos(Fn f, String x) {
    return f.type(x).contains("double")
        ? perLane(f, "cos", x)
        : inline(f, "cos", x, (g, v) -> sineBody(g, v, 1));
  }

  /// 1 / sqrt(x), two exact steps: no approximation instruction.
  public static String rsqrt(Fn f, String x) {
    return f.fdiv(f.type(x).contains("double") ? Fn.f64(1) : Fn.f32(1), f.sqrt(x));
  }

  public static String pow(Fn f, String x, String y) {
    return perLane(f, "pow", x, y);
  }

  public static String expm1(Fn f, String x) {
    return perLane(f, "expm1", x);
  }

  public static String log1p(Fn f, String x) {
    return perLane(f, "log1p", x);
  }

  /// Any function of the C library with floating-point arguments of one type, lane by lane:
  /// `perLane(f, "atan2", y, x)`.
  public static String perLane(Fn f, String name, String... arguments) {
    var type = f.type(arguments[0]);
    var element = Fn.elementType(type);
    var function = "@" + name + (element.equals("float") ? "f" : "");
    f.module()
        .declare(
            element
                + " "
                + function
                + "("
                + (element + ", ").repeat(arguments.length - 1)
                + element
                + ")");
    var result = Vec.zero(f, element, Fn.lanesOf(type));
    for (int lane = 0; lane < Fn.lanesOf(type); lane++) {
      var scalars = new String[arguments.length];
      for (int i = 0; i < scalars.length; i++) {
        scalars[i] = Vec.extract(f, arguments[i], lane);
      }
      result = Vec.insert(f, result, f.call(element, function, scalars), lane);
    }
    return result;
  }

  private static String inline(Fn f, String name, String x, BiFunction<Fn, String, String> body) {
    var type = f.type(x);
    var function = "ds." + name + "." + Fn.mangled(type);
    if (f.module().first(function)) {
      var g = f.module().inlined(function, type, type + " x");
      g.ret(body.apply(g, "%x"));
      g.end();
    }
    return f.call(type, "@" + function, x);
  }

  /// 2^n exp(r) with x = n ln 2 + r, the power of two applied in two halves so that results near
  /// overflow and subnormal results come out right.
  private static String expBody(Fn f, String x) {
    var clamped = f.select(f.fcmp("ogt", x, Fn.f32(90)), Fn.f32(90), x);
    clamped = f.select(f.fcmp("olt", clamped, Fn.f32(-105)), Fn.f32(-105), clamped);
    // Adding 1.5 * 2^23 rounds to an integer and leaves that integer in the low bits.
    var magic = 0x1.8p23f;
    var shifted = f.fma(clamped, Fn.f32(0x1.715476p0f), Fn.f32(magic));
    var n = f.binary("fsub", shifted, Fn.f32(magic));
    var r = f.fma(n, Fn.f32(-0x1.62e400p-1f), clamped);
    r = f.fma(n, Fn.f32(-0x1.7f7d1cp-20f), r);
    var p = expPolynomial(f, r);
    var whole = f.sub(bits(f, shifted), Integer.toString(Float.floatToRawIntBits(magic)));
    var half = f.binary("ashr", whole, "1");
    return f.fmul(f.fmul(p, powerOfTwo(f, half)), powerOfTwo(f, f.sub(whole, half)));
  }

  /// exp(r) for r within ln 2 / 2 of 0.
  static String expPolynomial(Fn f, String r) {
    var p =
        polynomial(
            f,
            r,
            1.9875691500e-4f,
            1.3981999507e-3f,
            8.3334519073e-3f,
            4.1665795894e-2f,
            1.6666665459e-1f,
            5.0000001201e-1f);
    return f.fadd(f.fma(p, f.fmul(r, r), r), Fn.f32(1));
  }

  private static String powerOfTwo(Fn f, String n) {
    return f.cast(
        "bitcast", f.binary("shl", f.add(n, 127), "23"), Fn.withLanes("float", f.type(n)));
  }

  private static String bits(Fn f, String x) {
    return f.cast("bitcast", x, Fn.withLanes("i32", f.type(x)));
  }

  private static String floats(Fn f, String bits) {
    return f.cast("bitcast", bits, Fn.withLanes("float", f.type(bits)));
  }

  /// The polynomial with coefficients `c`, highest power first.
  private static String polynomial(Fn f, String x, float... c) {
    var sum = f.fma(x, Fn.f32(c[0]), Fn.f32(c[1]));
    for (int i = 2; i < c.length; i++) {
      sum = f.fma(sum, x, Fn.f32(c[i]));
    }
    return sum;
  }

  private static String polynomial(Fn f, String x, double... c) {
    var sum = f.fma(x, Fn.f64(c[0]), Fn.f64(c[1]));
    for (int i = 2; i < c.length; i++) {
      sum = f.fma(sum, x, Fn.f64(c[i]));
    }
    return sum;
  }

  /// x = 2^k m with m near 1; log m from s = (m-1)/(m+1).
  private static String logBody(Fn f, String x) {
    var tiny = f.fcmp("olt", x, Fn.f32(Float.MIN_NORMAL));
    var scaled = f.select(tiny, f.fmul(x, Fn.f32(0x1p25f)), x);
    var raw = f.add(bits(f, scaled), 0x3f800000 - 0x3f3504f3);
    var exponent =
        f.sub(f.binary("ashr", raw, "23"), f.select(tiny, "i32 " + (127 + 25), "i32 127"));
    var k = f.cast("sitofp", exponent, "float");
    var m = floats(f, f.add(f.binary("and", raw, "8388607"), 0x3f3504f3));
    var g = f.fsub(m, Fn.f32(1));
    var s = f.fdiv(g, f.fadd(g, Fn.f32(2)));
    var z = f.fmul(s, s);
    var r =
        f.fmul(z, polynomial(f, z, 0.24279078841f, 0.28498786688f, 0.40000972152f, 0.66666662693f));
    var half = f.fmul(f.fmul(g, g), Fn.f32(0.5f));
    var low = f.fma(k, Fn.f32(9.0580006145e-06f), f.fmul(s, f.fadd(half, r)));
    var result = f.fma(k, Fn.f32(6.9313812256e-01f), f.fadd(f.fsub(low, half), g));
    result = f.select(f.fcmp("oeq", x, Fn.f32(Float.POSITIVE_INFINITY)), x, result);
    result = f.select(f.fcmp("oeq", x, Fn.f32(0)), Fn.f32(Float.NEGATIVE_INFINITY), result);
    return f.select(
        f.fcmp("uge", x, Fn.f32(0)), f.select(f.fcmp("uno", x, x), x, result), Fn.f32(Float.NaN));
  }

  /// An odd polynomial near zero, 1 - 2/(exp(2|x|)+1) elsewhere.
  private static String tanhBody(Fn f, String x) {
    var size = f.abs(x);
    var z = f.fmul(x, x);
    var p =
        polynomial(
            f,
            z,
            -5.70498872745e-3f,
            2.06390887954e-2f,
            -5.37397155531e-2f,
            1.33314422036e-1f,
            -3.33332819422e-1f);
    var near = f.fma(f.fmul(p, z), x, x);
    var e = exp(f, f.fadd(size, size));
    var far = f.fsub(Fn.f32(1), f.fdiv(Fn.f32(2), f.fadd(e, Fn.f32(1))));
    return f.intrinsic(
        "llvm.copysign", f.type(x), f.select(f.fcmp("olt", size, Fn.f32(0.625f)), near, far), x);
  }

  private static String sigmoidBody(Fn f, String x) {
    if (f.type(x).contains("double")) {
      return f.fdiv(Fn.f64(1), f.fadd(perLane(f, "exp", f.fneg(x)), Fn.f64(1)));
    }
    var e = exp(f, f.fneg(f.abs(x)));
    return f.fdiv(f.select(f.fcmp("olt", x, Fn.f32(0)), e, Fn.f32(1)), f.fadd(e, Fn.f32(1)));
  }

  /// x + x q(x^2) near zero, 1 - exp(p(|x|)) elsewhere.
  private static String erfBody(Fn f, String x) {
    var t = f.abs(x);
    var s = f.fmul(x, x);
    var r = f.fma(t, Fn.f32(-1.72853470e-5f), Fn.f32(3.83197126e-4f));
    var u = f.fma(t, Fn.f32(-3.88396438e-3f), Fn.f32(2.42546219e-2f));
    r = f.fma(r, s, u);
    for (float c : new float[] {-1.06777877e-1f, -6.34846687e-1f, -1.28717512e-1f}) {
      r = f.fma(r, t, Fn.f32(c));
    }
    r = f.fma(r, t, f.fneg(t));
    // Far out the polynomial overflows to minus infinity or loses its sign: there the answer is
    // 1.
    r = f.select(f.fcmp("ogt", t, Fn.f32(4)), Fn.f32(-200), r);
    var far = f.intrinsic("llvm.copysign", f.type(x), f.fsub(Fn.f32(1), exp(f, r)), x);
    var q =
        polynomial(
            f,
            s,
            -5.96761703e-4f,
            4.99119423e-3f,
            -2.67681349e-2f,
            1.12819925e-1f,
            -3.76125336e-1f,
            1.28379166e-1f);
    var near = f.fma(q, x, x);
    return f.select(f.fcmp("ogt", t, Fn.f32(0.927734375f)), far, near);
  }

  /// sin(x + quarters pi/2), reduced to within pi/4 of zero in double so that nothing is lost for
  /// arguments of any use.
  private static String sineBody(Fn f, String x, int quarters) {
    var wide = f.cast("fpext", x, "double");
    var magic = 0x1.8p52;
    var shifted = f.fma(wide, Fn.f64(2 / Math.PI), Fn.f64(magic));
    var n = f.binary("fsub", shifted, Fn.f64(magic));
    var r = f.fma(n, Fn.f64(-1.57079631090164184570e+00), wide);
    r = f.fma(n, Fn.f64(-1.58932547735281966916e-08), r);
    var z = f.fmul(r, r);
    var sine =
        polynomial(
            f,
            z,
            0x1.6cd878c3b46a7p-19,
            -0x1.a00f9e2cae774p-13,
            0x1.11110896efbb2p-7,
            -0x1.5555554cbac77p-3);
    sine = f.fma(f.fmul(sine, z), r, r);
    var cosine =
        polynomial(
            f,
            z,
            0x1.99342e0ee5069p-16,
            -0x1.6c087e80f1e27p-10,
            0x1.55553e1053a42p-5,
            -0x1.ffffffd0c5e81p-2,
            1.0);
    var quadrant =
        f.cast(
            "trunc",
            f.add(f.cast("bitcast", shifted, Fn.withLanes("i64", f.type(shifted))), quarters),
            "i32");
    var odd = f.icmp("ne", f.binary("and", quadrant, "1"), "0");
    var magnitude = f.cast("fptrunc", f.select(odd, cosine, sine), "float");
    var sign = f.binary("shl", f.binary("and", quadrant, "2"), "30");
    var result = floats(f, f.binary("xor", bits(f, magnitude), sign));
    return quarters == 0
        ? f.select(f.fcmp("oeq", x, Fn.f32(0)), x, result)
        : result; // keeps the sign of zero
  }

  /// The names of all functions of one argument, for tests.
  static List<String> unary() {
    return List.of("exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "rsqrt", "expm1", "log1p");
  }

  static String unary(Fn f, String name, String x) {
    return switch (name) {
      case "exp" -> exp(f, x);
      case "log" -> log(f, x);
      case "tanh" -> tanh(f, x);
      case "sigmoid" -> sigmoid(f, x);
      case "erf" -> erf(f, x);
      case "sin" -> sin(f, x);
      case "cos" -> cos(f, x);
      case "rsqrt" -> rsqrt(f, x);
      case "expm1" -> expm1(f, x);
      case "log1p" -> log1p(f, x);
      default -> throw new IllegalArgumentException(name);
    };
  }
}
