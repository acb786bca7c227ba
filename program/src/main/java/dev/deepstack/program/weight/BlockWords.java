package dev.deepstack.program.weight;

import dev.deepstack.tensor.BlockFormat;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// A few whole blocks of a stored row as 4-byte words: the unit that panels are made of. Nothing is decoded, the bytes
/// of the blocks only move to where a vector of words, one per row, can use them.
///
/// @param blocks blocks in a chunk
/// @param words where each word of the chunk comes from
public record BlockWords(BlockFormat format, int blocks, List<Word> words) {
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  /// Where the bytes of a word lie, as offsets in the chunk.
  public sealed interface Word {}

  /// Four bytes as they are.
  public record Int(int at) implements Word {}

  /// Two bytes from each of two blocks, the first low; `high` may be -1 for zero.
  public record Halves(int low, int high) implements Word {}

  /// One byte from each of four blocks.
  public record Bytes(int first, int stride) implements Word {}

  /// 32 single bits, weight k moved to bit `8 * (k % 4) + k / 4`: then a vector of four weights finds its bits by a
  /// shift and a mask.
  public record Bits(int at) implements Word {}

  public BlockWords {
    words = List.copyOf(words);
  }

  public int weights() {
    return blocks * format.weights();
  }

  /// Bytes of the chunk in a stored row.
  public int storedBytes() {
    return blocks * format.bytes();
  }

  public static BlockWords of(BlockFormat format) {
    var words = new ArrayList<Word>();
    int blocks = switch (format) {
      case Q8_0, Q4_0, Q5_0 -> {
        words.add(new Halves(0, format.bytes()));
        for (int b = 0; b < 2; b++) {
          int at = b * format.bytes() + 2;
          if (format == BlockFormat.Q5_0) {
            words.add(new Bits(at));
            at += 4;
          }
          ints(words, at, format == BlockFormat.Q8_0 ? 8 : 4);
        }
        yield 2;
      }
      case Q4_1 -> ints(words, 0, 5);
      case Q5_1 -> {
        ints(words, 0, 1);
        words.add(new Bits(4));
        yield ints(words, 8, 4);
      }
      case MXFP4 -> {
        words.add(new Bytes(0, format.bytes()));
        for (int b = 0; b < 4; b++) {
          ints(words, b * format.bytes() + 1, 4);
        }
        yield 4;
      }
      case Q4_K, Q5_K -> ints(words, 0, format.bytes() / 4);
      case Q2_K -> {
        ints(words, 80, 1);
        yield ints(words, 0, 20);
      }
      case Q3_K -> {
        words.add(new Halves(108, -1));
        ints(words, 96, 3);
        yield ints(words, 0, 24);
      }
      case Q6_K -> {
        words.add(new Halves(208, -1));
        ints(words, 192, 4);
        // What is used together lies together: 4 x 16 weights have 4 words of high bits and 8 of low ones.
        for (int quarter = 0; quarter < 4; quarter++) {
          int low = quarter / 2 * 64 + quarter % 2 * 16;
          ints(words, 128 + quarter / 2 * 32 + quarter % 2 * 16, 4);
          ints(words, low, 4);
          ints(words, low + 32, 4);
        }
        yield 1;
      }
    };
    return new BlockWords(format, blocks, words);
  }

  private static int ints(List<Word> words, int at, int count) {
    for (int i = 0; i < count; i++) {
      words.add(new Int(at + 4 * i));
    }
    return 1;
  }

  /// Writes the words of one row's chunk, `stride` apart. Blocks beyond `limit` bytes of `row` are zero.
  void read(byte[] row, int chunk, int limit, int[] out, int at, int stride) {
    boolean whole = chunk + storedBytes() <= limit;
    for (int w = 0; w < words.size(); w++) {
      out[at + w * stride] = switch (words.get(w)) {
        case Int(int from) -> whole || chunk + from + 4 <= limit ? (int) INT.get(row, chunk + from) : 0;
        case Halves(int low, int high) ->
            half(row, chunk, low, limit) | (high < 0 ? 0 : half(row, chunk, high, limit) << 16);
        case Bytes(int first, int step) -> bytes(row, chunk + first, step, limit);
        case Bits(int from) -> chunk + from + 4 <= limit ? bits((int) INT.get(row, chunk + from)) : 0;
      };
    }
  }

  private static int half(byte[] row, int chunk, int from, int limit) {
    return chunk + from + 2 <= limit ? (short) SHORT.get(row, chunk + from) & 0xffff : 0;
  }

  private static int bytes(byte[] row, int from, int step, int limit) {
    int word = 0;
    for (int i = 0; i < 4; i++) {
      int at = from + i * step;
      word |= at < limit ? (row[at] & 0xff) << 8 * i : 0;
    }
    return word;
  }

  private static int bits(int word) {
    int moved = 0;
    for (int t = 0; t < 4; t++) {
      moved |= Integer.compress(word, 0x11111111 << t) << 8 * t;
    }
    return moved;
  }
}
