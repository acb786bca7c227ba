package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.Dim;
import java.util.List;

/// Rows of stored blocks to f32, as [BlockFormat] defines each format: for the few rows of a table that a step looks
/// up. Threads share out the blocks.
final class DequantizeCode {
  /// e2m1 codes times 2.
  private static final int[] E2M1 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

  private final KernelCode code;
  private final Fn f;
  private final Kernel.Dequantize kernel;
  private final BlockFormat format;
  private final int lanes;
  private String block = "";

  DequantizeCode(KernelCode code, Kernel.Dequantize kernel) {
    this.code = code;
    this.kernel = kernel;
    f = code.f;
    format = kernel.format();
    lanes = code.lanes;
  }

  void emit() {
    long perRow = kernel.out().shape().dim(1).constant() / format.weights();
    String[] share = code.share(code.index(kernel.out().shape().dim(0).times(perRow)));
    f.loop(share[0], share[1], 1, item -> {
      Dim row = code.named(f.div(item, perRow));
      String number = f.mod(item, perRow);
      Dim first = code.named(f.mul(number, format.bytes()));
      block = code.address(kernel.x(), kernel.x().at(List.of(row, first)));
      Dim place = code.named(f.mul(number, format.weights()));
      String to = code.address(kernel.out(), kernel.out().at(List.of(row, place)));
      // Within a run as long as a vector, all weights share scales and places in their bytes.
      for (int i = 0; i < format.weights(); i += lanes) {
        f.store(run(i), f.at(to, "float", i));
      }
    });
  }

  private String run(int i) {
    return switch (format) {
      case Q8_0 -> times(half(0), f.cast("sext", f.load(Fn.vector("i8", lanes), f.byteAt(block, 2 + i)), "i32"));
      case Q4_0 -> times(half(0), f.sub(nibbles(2, i), "8"));
      case Q4_1 -> plus(times(half(0), nibbles(4, i)), half(2));
      case Q5_0 -> times(half(0), f.sub(five(2, 6, i), "16"));
      case Q5_1 -> plus(times(half(0), five(4, 8, i)), half(2));
      case Q2_K -> {
        String scales = scalar(i / 16);
        String scale = product(half(80), number(f.binary("and", scales, "15")));
        String minimum = product(half(82), number(f.binary("lshr", scales, "4")));
        yield plus(times(scale, bits(16 + 32 * (i / 128) + i % 32, i % 128 / 32 * 2, 2)), f.fneg(minimum));
      }
      case Q3_K -> {
        int s = i / 16;
        String low = part(scalar(96 + s % 8), s / 8 * 4, 4);
        String scale = f.sub(f.binary("or", low, f.binary("shl", part(scalar(104 + s % 4), s / 4 * 2, 2), "4")), "32");
        String q = bits(32 + 32 * (i / 128) + i % 32, i % 128 / 32 * 2, 2);
        String high = f.binary("shl", bits(i % 32, i / 32, 1), "2");
        yield times(product(half(108), number(scale)), f.sub(f.binary("or", q, high), "4"));
      }
      case Q4_K -> scaled(bits(16 + i / 64 * 32 + i % 32, i / 32 % 2 * 4, 4), i / 32);
      case Q5_K -> scaled(f.binary("or", bits(48 + i / 64 * 32 + i % 32, i / 32 % 2 * 4, 4),
          f.binary("shl", bits(16 + i % 32, i / 32, 1), "4")), i / 32);
      case Q6_K -> {
        int n = i / 128;
        int s = i % 128 / 32;
        String low = bits(64 * n + 32 * (s % 2) + i % 32, s / 2 * 4, 4);
        String high = f.binary("shl", bits(128 + 32 * n + i % 32, 2 * s, 2), "4");
        String scale = f.cast("sext", f.load("i8", f.byteAt(block, 192 + i / 16)), "i32");
        yield times(product(half(208), number(scale)), f.sub(f.binary("or", low, high), "32"));
      }
      case MXFP4 -> times(power(), table(nibbles(1, i)));
    };
  }

  /// `codes * scale - minimum` with the 6-bit scales of eight groups.
  private String scaled(String codes, int u) {
    String scale;
    String minimum;
    if (u < 4) {
      scale = part(scalar(4 + u), 0, 6);
      minimum = part(scalar(8 + u), 0, 6);
    } else {
      scale = f.binary("or", part(scalar(8 + u), 0, 4), f.binary("shl", part(scalar(u), 6, 2), "4"));
      minimum = f.binary("or", part(scalar(8 + u), 4, 4), f.binary("shl", part(scalar(4 + u), 6, 2), "4"));
    }
    return plus(times(product(half(0), number(scale)), codes), f.fneg(product(half(2), number(minimum))));
  }

  /// Byte j holds weight j low and weight j + 16 high.
  private String nibbles(int at, int i) {
    return bits(at + i % 16, i / 16 * 4, 4);
  }

  private String five(int bitsAt, int nibblesAt, int i) {
    String word = f.load("i32", f.byteAt(block, bitsAt));
    String shifts = f.add(Vec.iota(f, "i32", lanes), i);
    String high = f.binary("and", f.binary("lshr", Vec.splat(f, word, lanes), shifts), "1");
    return f.binary("or", nibbles(nibblesAt, i), f.binary("shl", high, "4"));
  }

  private String bits(int at, int shift, int width) {
    return part(f.cast("zext", f.load(Fn.vector("i8", lanes), f.byteAt(block, at)), "i32"), shift, width);
  }

  private String scalar(int at) {
    return f.cast("zext", f.load("i8", f.byteAt(block, at)), "i32");
  }

  private String part(String value, int shift, int width) {
    String moved = shift == 0 ? value : f.binary("lshr", value, Integer.toString(shift));
    return f.binary("and", moved, Integer.toString((1 << width) - 1));
  }

  private String half(int at) {
    return f.cast("fpext", f.load("half", f.byteAt(block, at)), "float");
  }

  private String number(String integer) {
    return f.cast("sitofp", integer, "float");
  }

  /// Half of 2^(e - 127); the two smallest are subnormal.
  private String power() {
    String e = scalar(0);
    String small = f.binary("shl", "i32 2097152", e);
    String bits = f.select(f.icmp("ult", e, "2"), small, f.binary("shl", f.sub(e, "1"), "23"));
    return f.cast("bitcast", bits, "float");
  }

  private String table(String codes) {
    String vector = "";
    for (int j = 0; j < lanes; j++) {
      String at = f.at("@ds.e2m1", "i32", f.cast("zext", Vec.extract(f, codes, j), "i64"));
      String value = f.load("i32", at);
      vector = Vec.insert(f, vector.isEmpty() ? Vec.zero(f, "i32", lanes) : vector, value, j);
    }
    if (f.module().first("@ds.e2m1")) {
      var values = java.util.Arrays.stream(E2M1).mapToObj(v -> "i32 " + v).toList();
      f.module().global("@ds.e2m1 = internal constant [16 x i32] [" + String.join(", ", values) + "]");
    }
    return vector;
  }

  // Products and sums are rounded one by one, as the formats define them.

  private String product(String a, String b) {
    return f.binary("fmul", a, b);
  }

  private String times(String scale, String codes) {
    return f.binary("fmul", number(codes), Vec.splat(f, scale, lanes));
  }

  private String plus(String vector, String scalar) {
    return f.binary("fadd", vector, Vec.splat(f, scalar, lanes));
  }
}
