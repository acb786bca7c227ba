package dev.deepstack.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.testkit.Gen;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlockFormatTest {
  private static final Path VECTORS = Path.of("src", "test", "resources", "blocks", "blocks.safetensors");
  private static final short ONE = Float.floatToFloat16(1);

  /// Recorded by blocks/make.py: random blocks, with zeros, subnormals, infinities and NaNs as scales.
  @ParameterizedTest
  @EnumSource(BlockFormat.class)
  void readsWhatTheFormatsOwnPackageReads(BlockFormat format) {
    try (var arena = Arena.ofConfined()) {
      Map<String, HostTensor> vectors = Safetensors.read(VECTORS, arena);
      MemorySegment blocks = vector(vectors, format + ".blocks").data();
      float[] expected = vector(vectors, format + ".weights").toFloats();
      var actual = new float[expected.length];
      for (int i = 0; i * format.weights() < expected.length; i++) {
        format.dequantize(blocks, (long) i * format.bytes(), actual, i * format.weights());
      }
      assertThat(blocks.byteSize()).isEqualTo(format.rowBytes(expected.length));
      assertSameBits(actual, expected);
    }
  }

  @ParameterizedTest
  @EnumSource(value = BlockFormat.class, names = {"Q8_0", "Q4_0", "MXFP4"})
  void writesWhatTheFormatsOwnPackageWrites(BlockFormat format) {
    try (var arena = Arena.ofConfined()) {
      Map<String, HostTensor> vectors = Safetensors.read(VECTORS, arena);
      float[] rows = vector(vectors, "quantize.rows").toFloats();
      MemorySegment expected = vector(vectors, "quantize." + format).data();
      MemorySegment actual = arena.allocate(expected.byteSize());
      for (int i = 0; i * 32 < rows.length; i++) {
        BlockQuantizer.quantize(format, rows, 32 * i, actual, (long) i * format.bytes());
      }
      for (int i = 0; i * 32 < rows.length; i++) {
        long at = (long) i * format.bytes();
        if (i != 6) {
          long differs = actual.asSlice(at, format.bytes()).mismatch(expected.asSlice(at, format.bytes()));
          assertThat(differs).as("row " + i).isEqualTo(-1);
          continue;
        }
        // Subnormal weights, where the reference has codes without meaning, or an exponent that wraps around.
        var weights = new float[32];
        format.dequantize(actual, at, weights, 0);
        for (float w : weights) {
          assertThat(Math.abs(w)).isLessThan(1e-40f);
        }
      }
    }
  }

  /// Recorded by blocks/wide.py from llama.cpp, which sums with fused operations: now and then another candidate is the
  /// best there, so a few codes may differ by one.
  @Test
  void sixBitsAreFoundAsLlamaCppFindsThem() {
    try (var arena = Arena.ofConfined()) {
      Map<String, HostTensor> vectors = Safetensors.read(VECTORS.resolveSibling("wide.safetensors"), arena);
      float[] rows = vector(vectors, "rows").toFloats();
      MemorySegment expected = vector(vectors, "Q6_K").data();
      MemorySegment actual = arena.allocate(expected.byteSize());
      int same = 0;
      for (int i = 0; i * 256 < rows.length; i++) {
        BlockQuantizer.quantize(BlockFormat.Q6_K, rows, 256 * i, actual, 210L * i);
        same += actual.asSlice(210L * i, 210).mismatch(expected.asSlice(210L * i, 210)) == -1 ? 1 : 0;
        var a = new float[256];
        var e = new float[256];
        BlockFormat.Q6_K.dequantize(actual, 210L * i, a, 0);
        BlockFormat.Q6_K.dequantize(expected, 210L * i, e, 0);
        double[] errors = new double[2];
        for (int j = 0; j < 256; j++) {
          errors[0] += Math.pow(a[j] - rows[256 * i + j], 2);
          errors[1] += Math.pow(e[j] - rows[256 * i + j], 2);
        }
        assertThat(errors[0]).as("row " + i).isLessThanOrEqualTo(errors[1] * 1.02 + 1e-30);
      }
      assertThat(same).isGreaterThanOrEqualTo(rows.length / 256 * 3 / 4);
    }
  }

  @Test
  void everyCodeOfTheNibbleFormats() {
    for (int code = 0; code < 16; code++) {
      assertThat(every(BlockFormat.Q4_0, code * 0x11, ONE)).containsOnly(code - 8);
      assertThat(every(BlockFormat.Q4_1, code * 0x11, ONE, ONE)).containsOnly(code + 1);
    }
  }

  @Test
  void everyCodeOfEightBits() {
    for (int code = -128; code < 128; code++) {
      assertThat(every(BlockFormat.Q8_0, code, ONE)).containsOnly(code);
    }
  }

  @Test
  void everyCodeOfFiveBits() {
    for (int code = 0; code < 32; code++) {
      short high = (short) (code > 15 ? -1 : 0);
      assertThat(every(BlockFormat.Q5_0, (code & 15) * 0x11, ONE, high, high)).containsOnly(code - 16);
      assertThat(every(BlockFormat.Q5_1, (code & 15) * 0x11, ONE, ONE, high, high)).containsOnly(code + 1);
    }
  }

  @Test
  void everyCodeOfE2m1AtEveryExponent() {
    double[] magnitudes = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    for (int e = 0; e < 256; e++) {
      for (int code = 0; code < 16; code++) {
        var block = new byte[17];
        Arrays.fill(block, (byte) (code * 0x11));
        block[0] = (byte) e;
        // 2^(e - 127) in f64 has room for every product; the cast rounds to what f32 holds, infinity beyond it.
        float expected = (float) ((code > 7 ? -1 : 1) * magnitudes[code & 7] * Math.pow(2, e - 127));
        var weights = new float[32];
        BlockFormat.MXFP4.dequantize(MemorySegment.ofArray(block), 0, weights, 0);
        assertThat(weights).containsOnly(code == 8 ? 0f : expected);
      }
    }
  }

  /// Groups are told apart by scales that are powers of two, so that each weight names its group and its code.
  @Test
  void sixBitScalesReachTheirGroups() {
    var q4 = new byte[144];
    q4[1] = 0x3c;
    for (int scale = 0; scale < 64; scale++) {
      for (int group = 0; group < 8; group++) {
        Arrays.fill(q4, 4, 144, (byte) 0);
        if (group < 4) {
          q4[4 + group] = (byte) scale;
        } else {
          q4[4 + group + 4] = (byte) (scale & 15);
          q4[4 + group - 4] = (byte) (scale >> 4 << 6);
        }
        Arrays.fill(q4, 16, 144, (byte) 0x11);
        var weights = new float[256];
        BlockFormat.Q4_K.dequantize(MemorySegment.ofArray(q4), 0, weights, 0);
        assertThat(weights[32 * group]).isEqualTo(scale);
        assertThat(weights[32 * group + 31]).isEqualTo(scale);
      }
    }
  }

  @Test
  void blocksOutsideTheirMemoryAreRefused() {
    for (BlockFormat format : BlockFormat.values()) {
      MemorySegment exact = MemorySegment.ofArray(new byte[format.bytes()]);
      var weights = new float[format.weights()];
      format.dequantize(exact, 0, weights, 0);
      assertThatThrownBy(() -> format.dequantize(exact, 1, weights, 0)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> format.dequantize(exact, -1, weights, 0)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> format.dequantize(exact, 0, weights, 1)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> format.rowBytes(format.weights() + 1)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> format.rowBytes(-format.weights())).isInstanceOf(IllegalArgumentException.class);
    }
  }

  /// Weights that a format can say come back unchanged when they are stored once more.
  @ParameterizedTest
  @EnumSource(value = BlockFormat.class, names = {"Q8_0", "Q4_0", "MXFP4"})
  void storedWeightsStayWhatTheyAre(BlockFormat format) {
    Gen.forSeeds(50, gen -> {
      float[] once = storeAndRead(format, gen.floats(32));
      float[] twice = storeAndRead(format, once);
      for (int i = 0; i < 32; i++) {
        // Up to the f16 rounding of a scale computed anew.
        assertThat(twice[i]).isCloseTo(once[i], Offset.offset(2e-3f));
      }
    });
  }

  @Test
  void errorsOfStorageStayWithinHalfAStep() {
    Gen.forSeeds(50, gen -> {
      float[] weights = gen.floats(32);
      float largest = 0;
      for (float w : weights) {
        largest = Math.max(largest, Math.abs(w));
      }
      float[] stored = storeAndRead(BlockFormat.Q8_0, weights);
      for (int i = 0; i < 32; i++) {
        assertThat(Math.abs(stored[i] - weights[i])).isLessThanOrEqualTo(largest / 127 * 0.57f);
      }
    });
  }

  @Test
  void whatBlocksCannotHoldIsRefused() {
    MemorySegment out = MemorySegment.ofArray(new byte[210]);
    var weights = new float[256];
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      weights[5] = bad;
      for (BlockFormat format : BlockQuantizer.formats()) {
        assertThatThrownBy(() -> BlockQuantizer.quantize(format, weights, 0, out, 0))
            .isInstanceOf(InvalidInputException.class).hasMessageContaining("weight 5");
      }
    }
    weights[5] = 1e7f;
    assertThatThrownBy(() -> BlockQuantizer.quantize(BlockFormat.Q8_0, weights, 0, out, 0))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("65504");
    assertThatThrownBy(() -> BlockQuantizer.quantize(BlockFormat.Q4_K, new float[256], 0,
        MemorySegment.ofArray(new byte[144]), 0)).isInstanceOf(UnsupportedModelException.class);
  }

  private static float[] storeAndRead(BlockFormat format, float[] weights) {
    MemorySegment block = MemorySegment.ofArray(new byte[format.bytes()]);
    BlockQuantizer.quantize(format, weights, 0, block, 0);
    var read = new float[format.weights()];
    format.dequantize(block, 0, read, 0);
    return read;
  }

  /// The weights of a block that begins with `head` and repeats one byte from there on.
  private static float[] every(BlockFormat format, int fill, short... head) {
    var block = new byte[format.bytes()];
    Arrays.fill(block, (byte) fill);
    for (int i = 0; i < head.length; i++) {
      block[2 * i] = (byte) head[i];
      block[2 * i + 1] = (byte) (head[i] >> 8);
    }
    var weights = new float[format.weights()];
    format.dequantize(MemorySegment.ofArray(block), 0, weights, 0);
    return weights;
  }

  private static void assertSameBits(float[] actual, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      // Any NaN is as good as another.
      assertThat(Float.floatToIntBits(actual[i])).as("weight " + i + ": " + actual[i] + ", not " + expected[i])
          .isEqualTo(Float.floatToIntBits(expected[i]));
    }
  }

  private static HostTensor vector(Map<String, HostTensor> vectors, String name) {
    return Objects.requireNonNull(vectors.get(name), name);
  }
}
