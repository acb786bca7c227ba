package dev.deepstack.codegen.llvm;

import dev.deepstack.program.weight.BlockWords;
import dev.deepstack.tensor.BlockFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// How generated code reads a chunk of a panel of block weights (see [dev.deepstack.program.weight.BlockPacking]): as
/// groups of unsigned codes with a scale and a minimum per row, `weight = scale * code - minimum`. A line is one vector of
/// words, a lane per row; each word holds the codes of four neighbouring k.
record BlockCodes(BlockFormat format, int lanes) {
  /// e2m1 codes times 2, plus 12.
  private static final int[] E2M1 = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

  /// Weights that share a scale.
  ///
  /// @param k of the first, in the chunk
  /// @param codes a line for each four k
  /// @param scale f32 per row
  /// @param minimum f32 per row
  record Group(int k, List<String> codes, String scale, String minimum) {}

  int group() {
    return format.scaleGroup();
  }

  BlockWords words() {
    return BlockWords.of(format);
  }

  int chunkBytes() {
    return words().words().size() * 4 * lanes;
  }

  /// What unsigned codes have too much.
  private int bias() {
    return switch (format) {
      case Q8_0 -> 128;
      case Q4_0 -> 8;
      case Q5_0 -> 16;
      case Q3_K -> 4;
      case Q6_K -> 32;
      case MXFP4 -> 12;
      case Q4_1, Q5_1, Q2_K, Q4_K, Q5_K -> 0;
    };
  }

  /// Emits code that reads the groups of the chunk at `pointer`, each handed to `use` as soon as it is read.
  void groups(Fn f, String pointer, Consumer<Group> use) {
    var lines = new Lines(f, pointer);
    Consumer<Group> biased = g -> use.accept(bias() == 0 ? g : new Group(g.k, g.codes, g.scale,
        f.fmul(g.scale, Vec.splatConstant(f, "float", FnText.bare(Fn.f32(bias())), lanes))));
    switch (format) {
      case Q8_0, Q4_0, Q5_0 -> pairs(lines, biased);
      case Q4_1, Q5_1 -> withMinimum(lines, use);
      case MXFP4 -> fours(lines, biased);
      case Q4_K, Q5_K -> nibblesK(lines, use);
      case Q2_K -> twoBits(lines, use);
      case Q3_K -> threeBits(lines, biased);
      case Q6_K -> sixBits(lines, biased);
    }
  }

  private void pairs(Lines in, Consumer<Group> use) {
    int per = words().words().size() / 2;
    for (int b = 0; b < 2; b++) {
      int first = 1 + b * per;
      var codes = new ArrayList<String>();
      for (int i = 0; i < 8; i++) {
        codes.add(switch (format) {
          case Q8_0 -> in.f.binary("xor", in.line(first + i), Integer.toString(0x80808080));
          case Q4_0 -> in.nibble(first + i % 4, i / 4);
          default -> in.f.binary("or", in.nibble(first + 1 + i % 4, i / 4), in.bit(first, i, 4));
        });
      }
      use.accept(new Group(32 * b, codes, in.half(0, b), ""));
    }
  }

  private void withMinimum(Lines in, Consumer<Group> use) {
    int first = format == BlockFormat.Q5_1 ? 2 : 1;
    var codes = new ArrayList<String>();
    for (int i = 0; i < 8; i++) {
      String nibble = in.nibble(first + i % 4, i / 4);
      codes.add(first == 1 ? nibble : in.f.binary("or", nibble, in.bit(1, i, 4)));
    }
    use.accept(new Group(0, codes, in.half(0, 0), in.f.fneg(in.half(0, 1))));
  }

  private void fours(Lines in, Consumer<Group> use) {
    Fn f = in.f;
    for (int b = 0; b < 4; b++) {
      var codes = new ArrayList<String>();
      for (int i = 0; i < 8; i++) {
        codes.add(lookUp(f, in.line(1 + 4 * b + i % 4), i / 4));
      }
      // Half of 2^(e - 127), whose exponent field is e - 1; the two smallest are subnormal.
      String e = in.field(0, 8 * b, 8);
      String bits = f.binary("shl", f.sub(e, "1"), "23");
      String small = f.binary("shl", Vec.splatConstant(f, "i32", "2097152", lanes), e);
      String scale = f.select(f.icmp("ult", e, "2"), small, bits);
      use.accept(new Group(32 * b, codes, f.cast("bitcast", scale, Fn.vector("float", lanes)), ""));
    }
  }

  /// The table at each of the four codes in the low or high nibbles of every word.
  private String lookUp(Fn f, String line, int high) {
    int bytes = 4 * lanes;
    var type = Fn.vector("i8", bytes);
    boolean byBytes = lanes == 16 && f.module().cpu().has("avx512vbmi");
    String shifted = high == 0 ? line : f.binary("lshr", line, "4");
    // One of the two instructions ignores what is above the index, the other wants it gone.
    String index = f.cast("bitcast", byBytes ? shifted : f.binary("and", shifted, "252645135"), type);
    String table = IntStream.range(0, bytes).mapToObj(i -> "i8 " + E2M1[i % 16]).collect(Collectors.joining(", "));
    String name = byBytes ? "@llvm.x86.avx512.permvar.qi.512"
        : lanes == 16 ? "@llvm.x86.avx512.pshuf.b.512" : "@llvm.x86.avx2.pshuf.b";
    f.module().declare(type + " " + name + "(" + type + ", " + type + ")");
    String arguments = "(" + type + " <" + table + ">, " + f.typed(index) + ")";
    String found = f.value(type, "call " + type + " " + name + arguments);
    return f.cast("bitcast", found, Fn.vector("i32", lanes));
  }

  private void nibblesK(Lines in, Consumer<Group> use) {
    int first = format == BlockFormat.Q5_K ? 12 : 4;
    for (int u = 0; u < 8; u++) {
      var codes = new ArrayList<String>();
      for (int i = 0; i < 8; i++) {
        String nibble = in.nibble(first + u / 2 * 8 + i, u % 2);
        codes.add(first == 4 ? nibble : in.f.binary("or", nibble, in.bit(4 + i, u, 4)));
      }
      String scale = in.f.fmul(in.half(0, 0), in.number(sixBits(in, u, 1, 3, 0, 1)));
      String minimum = in.f.fmul(in.half(0, 1), in.number(sixBits(in, u, 2, 3, 4, 2)));
      use.accept(new Group(32 * u, codes, scale, minimum));
    }
  }

  /// One of eight 6-bit numbers: four in the low bits of `line`, four in `nibbles` with their high bits in `tops`.
  private static String sixBits(Lines in, int u, int line, int nibbles, int shift, int tops) {
    if (u < 4) {
      return in.field(line, 8 * u, 6);
    }
    int t = u - 4;
    String top = in.f.binary("shl", in.field(tops, 8 * t + 6, 2), "4");
    return in.f.binary("or", in.field(nibbles, 8 * t + shift, 4), top);
  }

  private void twoBits(Lines in, Consumer<Group> use) {
    for (int g = 0; g < 16; g++) {
      var codes = new ArrayList<String>();
      for (int i = 0; i < 4; i++) {
        codes.add(in.pair(5 + g / 8 * 8 + g % 2 * 4 + i, g / 2 % 4));
      }
      String scale = in.f.fmul(in.half(0, 0), in.number(in.field(1 + g / 4, g % 4 * 8, 4)));
      String minimum = in.f.fmul(in.half(0, 1), in.number(in.field(1 + g / 4, g % 4 * 8 + 4, 4)));
      use.accept(new Group(16 * g, codes, scale, minimum));
    }
  }

  private void threeBits(Lines in, Consumer<Group> use) {
    for (int g = 0; g < 16; g++) {
      var codes = new ArrayList<String>();
      for (int i = 0; i < 4; i++) {
        int l = g % 2 * 4 + i;
        codes.add(in.f.binary("or", in.pair(12 + g / 8 * 8 + l, g / 2 % 4), in.bit(4 + l, g / 2, 2)));
      }
      // Four low bits of 16 scales in two lines, two high bits of all in a third.
      String low = in.field(1 + g / 4 % 2, g % 4 * 8 + g / 8 * 4, 4);
      String scale = in.f.binary("or", low, in.f.binary("shl", in.field(3, g % 4 * 8 + g / 4 * 2, 2), "4"));
      use.accept(new Group(16 * g, codes, in.f.fmul(in.half(0, 0), in.number(in.f.sub(scale, "32"))), ""));
    }
  }

  private void sixBits(Lines in, Consumer<Group> use) {
    Fn f = in.f;
    for (int g = 0; g < 16; g++) {
      int n = g / 8;
      int s = g / 2 % 4;
      var codes = new ArrayList<String>();
      for (int i = 0; i < 4; i++) {
        int l = g % 2 * 4 + i;
        String low = in.nibble(21 + 16 * n + s % 2 * 8 + l, s / 2);
        codes.add(f.binary("or", low, in.at(5 + 8 * n + l, 2 * s - 4, 0x30303030)));
      }
      String signed = f.binary("ashr", f.binary("shl", in.line(1 + g / 4), Integer.toString(24 - g % 4 * 8)), "24");
      use.accept(new Group(16 * g, codes, f.fmul(in.half(0, 0), in.number(signed)), ""));
    }
  }

  /// The lines of a chunk and the fields in them.
  private final class Lines {
    private final Fn f;
    private final String pointer;

    Lines(Fn f, String pointer) {
      this.f = f;
      this.pointer = pointer;
    }

    String line(int number) {
      return f.load(Fn.vector("i32", lanes), f.byteAt(pointer, (long) number * lanes * 4), 4 * lanes);
    }

    /// Bits from `shift` on (negative: moved up) under a mask.
    String at(int number, int shift, int mask) {
      String line = line(number);
      String moved = shift == 0 ? line : f.binary(shift > 0 ? "lshr" : "shl", line, Integer.toString(Math.abs(shift)));
      return f.binary("and", moved, Integer.toString(mask));
    }

    String nibble(int number, int high) {
      return at(number, 4 * high, 0x0f0f0f0f);
    }

    String pair(int number, int place) {
      return at(number, 2 * place, 0x03030303);
    }

    /// Bit `from` of each byte, moved to bit `to`.
    String bit(int number, int from, int to) {
      return at(number, from - to, 0x01010101 << to);
    }

    /// An unsigned number in `width` bits of each word.
    String field(int number, int shift, int width) {
      return at(number, shift, (1 << width) - 1);
    }

    String number(String integers) {
      return f.cast("sitofp", integers, "float");
    }

    /// The low or high half of each word as f16.
    String half(int number, int high) {
      String word = high == 0 ? line(number) : f.binary("lshr", line(number), "16");
      return f.cast("fpext", f.cast("bitcast", f.cast("trunc", word, "i16"), Fn.vector("half", lanes)), "float");
    }
  }
}
