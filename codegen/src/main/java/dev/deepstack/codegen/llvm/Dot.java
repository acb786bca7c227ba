package dev.deepstack.codegen.llvm;

/// Products of several narrow numbers in one word, added to one sum per lane.
final class Dot {
  private Dot() {}

  /// Of pairs of bf16 numbers, which needs AVX-512 with bf16. Subnormal numbers count as zero.
  ///
  /// @param sum 16 f32
  /// @param a 16 words of two bf16 numbers; b likewise
  static String addPairs(Fn f, String sum, String a, String b) {
    String name = "@llvm.x86.avx512bf16.dpbf16ps.512";
    String numbers = Fn.vector("bfloat", 32);
    f.module().declare("<16 x float> " + name + "(<16 x float>, " + numbers + ", " + numbers + ")");
    return f.call("<16 x float>", name, sum, f.cast("bitcast", a, numbers), f.cast("bitcast", b, numbers));
  }

  /// Of 8-bit codes: to each lane of a sum the four products of its unsigned codes with four signed ones.
  ///
  /// @param sum i32 per lane
  /// @param codes a word of four unsigned codes per lane
  /// @param x a word of four signed codes, the same for every lane
  static String add(Fn f, String sum, String codes, String x, int lanes) {
    var type = Fn.vector("i32", lanes);
    var factor = Vec.splat(f, x, lanes);
    if (lanes == 16 && f.module().cpu().has("avx512vnni")) {
      String name = "@llvm.x86.avx512.vpdpbusd.512";
      f.module().declare(type + " " + name + "(" + type + ", " + type + ", " + type + ")");
      return f.call(type, name, sum, codes, factor);
    }
    // Two products at a time, in 16 bits: even codes, then odd ones.
    String shorts = Fn.vector("i16", 2 * lanes);
    String even = f.cast("bitcast", f.binary("and", codes, "16711935"), shorts);
    String odd = f.cast("bitcast", f.binary("and", f.binary("lshr", codes, "8"), "16711935"), shorts);
    String xs = f.cast("bitcast", factor, shorts);
    String first = pairs(f, even, f.binary("ashr", f.binary("shl", xs, "8"), "8"), lanes);
    return f.add(f.add(sum, first), pairs(f, odd, f.binary("ashr", xs, "8"), lanes));
  }

  private static String pairs(Fn f, String a, String b, int lanes) {
    String name = lanes == 16 ? "@llvm.x86.avx512.pmaddw.d.512" : "@llvm.x86.avx2.pmadd.wd";
    String result = Fn.vector("i32", lanes);
    f.module().declare(result + " " + name + "(" + f.type(a) + ", " + f.type(b) + ")");
    return f.call(result, name, a, b);
  }
}
