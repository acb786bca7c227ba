package dev.deepstack.codegen.llvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Vector mathematics against doubles.
class MathLibTest {
  private static final int COUNT = 1 << 18;
  private static final float[] SPECIAL = {
    0f,
    -0f,
    1f,
    -1f,
    Float.NaN,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    Float.MIN_NORMAL,
    1e-40f,
    -1e-40f,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    88.72283f,
    88.73f,
    -87.33655f,
    -103.97f,
    -104f,
    -150f,
    0.625f,
    0.927734375f,
    0.9277344f,
    5f,
    9.01f,
    20f,
    100000f,
    -99999.5f
  };

  static Stream<Arguments> functions() {
    return MathLib.unary().stream()
        .flatMap(
            name ->
                Stream.of(
                    Arguments.of(name, CpuTarget.avx2(), 1),
                    Arguments.of(name, CpuTarget.avx2(), 8),
                    Arguments.of(name, CpuTarget.avx512(), 16)));
  }

  @ParameterizedTest
  @MethodSource("functions")
  void isAccurate(String name, CpuTarget cpu, int lanes) {
    var module = new ModuleText(cpu);
    var f = module.function("apply", "void", "ptr x", "ptr y", "i64 n");
    f.loop(
        "0",
        "%n",
        lanes,
        i -> {
          var x = f.load(Fn.vector("float", lanes), f.at("%x", "float", i));
          f.store(MathLib.unary(f, name, x), f.at("%y", "float", i));
        });
    f.end();
    try (var code = Compiled.of(module);
        var memory = Arena.ofConfined()) {
      var x = memory.allocate(4L * COUNT, 64);
      var y = memory.allocate(4L * COUNT, 64);
      fill(x, name);
      code.call("apply", x, y, (long) COUNT);
      assertThat(mistakes(name, x, y)).isEmpty();
    }
  }

  private static void fill(MemorySegment x, String name) {
    var random = new Random(7);
    float range =
        switch (name) {
          case "sin", "cos" -> 1e5f;
          case "exp", "expm1" -> 110;
          default -> 12;
        };
    for (int i = 0; i < COUNT; i++) {
      float value =
          i < SPECIAL.length
              ? SPECIAL[i]
              : i % 4 == 0
                  ? Float.intBitsToFloat(random.nextInt())
                  : i % 4 == 1
                      ? (random.nextFloat() - 0.5f) * 4
                      : (random.nextFloat() - 0.5f) * 2 * range;
      boolean beyond =
          (name.equals("sin") || name.equals("cos"))
              && Math.abs(value) > 1e8
              && Float.isFinite(value);
      x.setAtIndex(ValueLayout.JAVA_FLOAT, i, beyond ? 1e5f : value);
    }
  }

  private static List<String> mistakes(String name, MemorySegment x, MemorySegment y) {
    var exact = exact(name);
    var mistakes = new ArrayList<String>();
    double worst = 0;
    for (int i = 0; i < COUNT && mistakes.size() < 20; i++) {
      float in = x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      float out = y.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      double wanted = exact.applyAsDouble(in);
      double error = ulps(out, wanted);
      worst = Math.max(worst, error);
      if (!(error <= 2.5)) {
        mistakes.add(
            String.format(
                Locale.ROOT, "%s(%s) = %s, not %s (%.1f ulp)", name, in, out, wanted, error));
      }
    }
    return mistakes;
  }

  private static double ulps(float out, double wanted) {
    float rounded = (float) wanted;
    if (Float.isNaN(rounded)
        || Float.isInfinite(rounded)
        || Float.isInfinite(out)
        || Float.isNaN(out)) {
      boolean overflowEdge = Float.isInfinite(out) && Math.abs(wanted) > 3.4028233e38;
      return Float.compare(rounded, out) == 0 || overflowEdge ? 0 : Double.POSITIVE_INFINITY;
    }
    boolean signLost = rounded == 0 && out == 0 && wanted == 0 && Float.compare(rounded, out) != 0;
    return signLost ? Double.POSITIVE_INFINITY : Math.abs(out - wanted) / Math.ulp(rounded);
  }

  private static DoubleUnaryOperator exact(String name) {
    return switch (name) {
      case "exp" -> Math::exp;
      case "log" -> Math::log;
      case "tanh" -> Math::tanh;
      case "sigmoid" -> x -> 1 / (1 + Math.exp(-x));
      case "erf" -> MathLibTest::erf;
      case "sin" -> Math::sin;
      case "cos" -> Math::cos;
      case "rsqrt" -> x -> 1 / Math.sqrt(x);
      case "expm1" -> Math::expm1;
      case "log1p" -> Math::log1p;
      default -> throw new IllegalArgumentException(name);
    };
  }

  /// Taylor series near zero, continued fraction of the complement elsewhere.
  private static double erf(double x) {
    double a = Math.abs(x);
    if (Double.isNaN(x) || x == 0) {
      return x;
    }
    if (a > 6) {
      return Math.signum(x);
    }
    if (a < 2.5) {
      double term = x;
      double sum = x;
      for (int n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
        term *= -x * x / n;
        sum += term / (2 * n + 1);
      }
      return 2 / Math.sqrt(Math.PI) * sum;
    }
    double fraction = 0;
    for (int k = 60; k > 0; k--) {
      fraction = k / 2.0 / (a + fraction);
    }
    return Math.signum(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
  }
}
