package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.AttentionBlocks;
import dev.deepstack.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A block's scores of one row turned into weights relative to the largest score so far. When that grows, the sums so
/// far shrink accordingly.
final class BlockSoftmax {
  /// Below this, weights count as 0.
  private static final float EXPONENT_MIN = -87;
  private static final float MAGIC = 0x1.8p23f;
  private static final int EXPONENT_BIAS = 127;

  private final ModuleText module;
  private final AttentionBlocks blocks;
  private final @Nullable DType mask;
  private final int lanes;

  /// @param mask the mask's dtype in memory, bool or f32
  BlockSoftmax(ModuleText module, AttentionBlocks blocks, @Nullable DType mask) {
    this.module = module;
    this.blocks = blocks;
    this.mask = mask;
    lanes = module.lanes();
  }

  /// Emits a call.
  ///
  /// @param scores one row's, replaced by weights
  /// @param largest where the largest score so far is
  /// @param sum where the vector of sums of weights is
  /// @param values where the weighted sum of values is
  /// @param mask the mask's elements for this block, if there is one
  /// @param open scores from here on don't count
  void call(Fn f, String scores, String largest, String sum, String values, String mask, String open) {
    String name = "ds.attention.softmaxx" + lanes + (this.mask == null ? "" : "." + this.mask.text()) + "."
        + blocks.valueStride();
    if (module.first(name)) {
      define(name);
    }
    f.call("void", "@" + name, scores, largest, sum, values, mask, open);
  }

  private void define(String name) {
    var g = module.outlined(name, "void", "ptr noalias s", "ptr noalias largest", "ptr noalias sum", "ptr noalias o",
        "ptr noalias readonly mask", "i64 open");
    List<String> scores = new ArrayList<>();
    for (int i = 0; i < AttentionBlocks.KEYS; i += lanes) {
      scores.add(score(g, i));
    }
    String before = g.load("float", "%largest");
    String largest = g.fmaxFast(maximum(g, scores), before);
    g.when(g.fcmp("ogt", largest, before), () -> {
      g.store(largest, "%largest");
      String factor = Vec.splat(g, MathLib.exp(g, g.fsub(before, largest)), lanes);
      scale(g, "%sum", factor);
      g.loop("0", Integer.toString(blocks.valueStride()), lanes, i -> scale(g, g.at("%o", "float", i), factor));
    });
    String relative = Vec.splat(g, largest, lanes);
    String sum = g.load(Fn.vector("float", lanes), "%sum");
    for (int i = 0; i < scores.size(); i++) {
      String weight = exp(g, g.fsub(scores.get(i), relative));
      g.store(weight, g.at("%s", "float", (long) i * lanes));
      sum = g.fadd(sum, weight);
    }
    g.store(sum, "%sum");
    g.end();
  }

  private String score(Fn g, int i) {
    String closed = Vec.splatConstant(g, "float", FnText.bare(Fn.f32(Float.NEGATIVE_INFINITY)), lanes);
    String score = g.load(Fn.vector("float", lanes), g.at("%s", "float", i));
    if (mask == DType.BOOL) {
      score = g.select(Registers.load(g, mask, g.at("%mask", "i8", i), lanes), score, closed);
    } else if (mask != null) {
      score = g.fadd(score, g.load(Fn.vector("float", lanes), g.at("%mask", "float", i)));
    }
    return g.select(Vec.firstLanes(g, g.sub("%open", Integer.toString(i)), lanes), score, closed);
  }

  private String maximum(Fn g, List<String> scores) {
    String max = scores.stream().reduce(g::fmaxFast).orElseThrow();
    for (int half = lanes / 2; half > 1; half /= 2) {
      var low = new int[half];
      var high = new int[half];
      for (int i = 0; i < half; i++) {
        low[i] = i;
        high[i] = i + half;
      }
      max = g.fmaxFast(Vec.shuffle(g, max, max, low), Vec.shuffle(g, max, max, high));
    }
    return g.fmaxFast(Vec.extract(g, max, 0), Vec.extract(g, max, 1));
  }

  private void scale(Fn g, String at, String factor) {
    g.store(g.fmul(g.load(Fn.vector("float", lanes), at), factor), at);
  }

  /// exp of what is not above 0, as [MathLib#exp] but without subnormal results; NaN stays NaN.
  private static String exp(Fn g, String x) {
    String tiny = g.fcmp("olt", x, Fn.f32(EXPONENT_MIN));
    String clamped = g.select(tiny, Fn.f32(EXPONENT_MIN), x);
    // Adding 1.5 * 2^23 rounds to an integer and leaves that integer in the low bits.
    String shifted = g.fma(clamped, Fn.f32(0x1.715476p0f), Fn.f32(MAGIC));
    String n = g.binary("fsub", shifted, Fn.f32(MAGIC));
    String r = g.fma(n, Fn.f32(-0x1.62e400p-1f), clamped);
    r = g.fma(n, Fn.f32(-0x1.7f7d1cp-20f), r);
    String p = MathLib.expPolynomial(g, r);
    String bits = g.cast("bitcast", shifted, Fn.withLanes("i32", g.type(x)));
    String biased = g.add(bits, EXPONENT_BIAS - Float.floatToRawIntBits(MAGIC));
    String power = g.cast("bitcast", g.binary("shl", biased, "23"), g.type(x));
    return g.select(tiny, Fn.f32(0), g.fmul(p, power));
  }
}
