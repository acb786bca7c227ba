package dev.deepstack.codegen.llvm;

import dev.deepstack.program.weight.BlockWords;
import dev.deepstack.tensor.BlockFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// How generated code reads a chunk of a panel of block weights (see [dev.deepstack.program.weight.BlockPacking]): as
/// groups of unsigned codes with a scale and a minimum per row, `weight = scale * code - minimum`. A line is one vector
/// of words, a lane per row; each word holds the codes of four neighbouring k.
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

  /// Bytes of a chunk that are used from its beginning to its end: scales and high bits.
  int headBytes() {
    int lines = switch (format) {
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, MXFP4 -> 1;
      case Q4_K -> 4;
      case Q2_K, Q6_K -> 5;
      case Q5_K, Q3_K -> 12;
    };
    return lines * 4 * lanes;
  }

  /// The group to be read at a turn, so that groups with bits in the same lines follow one another: with 16 weights to
  /// a group, every second one of eight.
  int inOrder(int turn) {
    return group() == 16 ? turn / 8 * 8 + turn % 4 * 2 + turn / 4 % 2 : turn;
  }

  /// What unsigned codes have too much.
  int bias() {
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

  /// Emits code that reads a group of the chunk at `pointer`.
  ///
  /// @param number of the group in the chunk
  Group group(Fn f, String pointer, int number) {
    var lines = new Lines(f, pointer);
    Group group = switch (format) {
      case Q8_0, Q4_0, Q5_0 -> pairs(lines, number);
      case Q4_1, Q5_1 -> withMinimum(lines);
      case MXFP4 -> fours(lines, number);
      case Q4_K, Q5_K -> nibblesK(lines, number);
      case Q2_K -> twoBits(lines, number);
      case Q3_K -> threeBits(lines, number);
      case Q6_K -> sixBits(lines, number);
    };
    String excess = bias() == 0 ? group.minimum
        : f.fmul(group.scale, Vec.splatConstant(f, "float", FnText.bare(Fn.f32(bias())), lanes));
    return new Group(group.k, group.codes, group.scale, excess);
  }

  private Group pairs(Lines in, int b) {
    int first = 1 + b * (words().words().size() / 2);
    var codes = new ArrayList<String>();
    for (int i = 0; i < 8; i++) {
      codes.add(switch (format) {
        case Q8_0 -> in.f.binary("xor", in.line(first + i), Integer.toString(0x80808080));
        case Q4_0 -> in.nibble(first + i % 4, i / 4);
        default -> in.f.binary("or", in.nibble(first + 1 + i % 4, i / 4), in.bit(first, i, 4));
      });
    }
    return new Group(32 * b, codes, in.half(0, b), "");
  }

  private Group withMinimum(Lines in) {
    int first = format == BlockFormat.Q5_1 ? 2 : 1;
    var codes = new ArrayList<String>();
    for (int i = 0; i < 8; i++) {
      String nibble = in.nibble(first + i % 4, i / 4);
      codes.add(first == 1 ? nibble : in.f.binary("or", nibble, in.bit(1, i, 4)));
    }
    return new Group(0, codes, in.half(0, 0), in.f.fneg(in.half(0, 1)));
  }

  private Group fours(Lines in, int b) {
    Fn f = in.f;
    var codes = new ArrayList<String>();
    for (int i = 0; i < 8; i++) {
      codes.add(lookUp(f, in.line(1 + 4 * b + i % 4), i / 4));
    }
    // Half of 2^(e - 127), whose exponent field is e - 1; the two smallest are subnormal.
    String e = in.field(0, 8 * b, 8);
    String bits = f.binary("shl", f.sub(e, "1"), "23");
    String small = f.binary("shl", Vec.splatConstant(f, "i32", "2097152", lanes), e);
    String scale = f.select(f.icmp("ult", e, "2"), small, bits);
    return new Group(32 * b, codes, f.cast("bitcast", scale, Fn.vector("float", lanes)), "");
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

  private Group nibblesK(Lines in, int u) {
    int first = format == BlockFormat.Q5_K ? 12 : 4;
    var codes = new ArrayList<String>();
    for (int i = 0; i < 8; i++) {
      String nibble = in.nibble(first + u / 2 * 8 + i, u % 2);
      codes.add(first == 4 ? nibble : in.f.binary("or", nibble, in.bit(4 + i, u, 4)));
    }
    String scale = in.f.fmul(in.half(0, 0), in.number(part(in.f, sixBits(in, u, 1, 0), u)));
    String minimum = in.f.fmul(in.half(0, 1), in.number(part(in.f, sixBits(in, u, 2, 4), u)));
    return new Group(32 * u, codes, scale, minimum);
  }

  /// Four of eight 6-bit numbers, one per byte: the first four lie in the low bits of `line`, of the others the low
  /// bits in half of line 3 and the high ones in the high bits of `line`.
  private static String sixBits(Lines in, int u, int line, int shift) {
    return u < 4 ? in.at(line, 0, 0x3f3f3f3f)
        : in.f.binary("or", in.at(3, shift, 0x0f0f0f0f), in.at(line, 2, 0x30303030));
  }

  /// Byte `u % 4` of each word.
  private static String part(Fn f, String words, int u) {
    int place = u % 4;
    String moved = place == 0 ? words : f.binary("lshr", words, Integer.toString(8 * place));
    return place == 3 ? moved : f.binary("and", moved, "255");
  }

  private Group twoBits(Lines in, int g) {
    var codes = new ArrayList<String>();
    for (int i = 0; i < 4; i++) {
      codes.add(in.pair(5 + g / 8 * 8 + g % 2 * 4 + i, g / 2 % 4));
    }
    String scale = in.f.fmul(in.half(0, 0), in.number(in.field(1 + g / 4, g % 4 * 8, 4)));
    String minimum = in.f.fmul(in.half(0, 1), in.number(in.field(1 + g / 4, g % 4 * 8 + 4, 4)));
    return new Group(16 * g, codes, scale, minimum);
  }

  private Group threeBits(Lines in, int g) {
    var codes = new ArrayList<String>();
    for (int i = 0; i < 4; i++) {
      int l = g % 2 * 4 + i;
      codes.add(in.f.binary("or", in.pair(12 + g / 8 * 8 + l, g / 2 % 4), in.bit(4 + l, g / 2, 2)));
    }
    // Four low bits of 16 scales in two lines, two high bits of all in a third.
    String low = in.field(1 + g / 4 % 2, g % 4 * 8 + g / 8 * 4, 4);
    String scale = in.f.binary("or", low, in.f.binary("shl", in.field(3, g % 4 * 8 + g / 4 * 2, 2), "4"));
    return new Group(16 * g, codes, in.f.fmul(in.half(0, 0), in.number(in.f.sub(scale, "32"))), "");
  }

  private Group sixBits(Lines in, int g) {
    Fn f = in.f;
    int s = g / 2 % 4;
    int first = 5 + 12 * (g / 8 * 2 + g % 2);
    var codes = new ArrayList<String>();
    for (int i = 0; i < 4; i++) {
      String low = in.nibble(first + 4 + s % 2 * 4 + i, s / 2);
      codes.add(f.binary("or", low, in.at(first + i, 2 * s - 4, 0x30303030)));
    }
    String signed = f.binary("ashr", f.binary("shl", in.line(1 + g / 4), Integer.toString(24 - g % 4 * 8)), "24");
    return new Group(16 * g, codes, f.fmul(in.half(0, 0), in.number(signed)), "");
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
