package dev.deepstack.importer.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import dev.deepstack.testkit.Gen;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Damaged files are refused with our exceptions or read; nothing else comes out.
class GgufDamageTest {
  private static final List<Long> NUMBERS = List.of(0L, 1L, -1L, 2L, 31L, 33L, 0x7fffffffL, 0x80000000L, 0xffffffffL,
      0x100000000L, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 40, 1L << 61);
  private static byte[] whole;
  private static int dataStart;

  @BeforeAll
  static void read() throws IOException {
    whole = Files.readAllBytes(Path.of("src", "test", "resources", "gguf", "container.gguf"));
    GgufTensor first = GgufFile.of("m.gguf", MemorySegment.ofArray(whole)).tensors().firstEntry().getValue();
    dataStart = (int) (first.data().address() - MemorySegment.ofArray(whole).address());
  }

  private static boolean survives(byte[] bytes) {
    try {
      GgufFile file = GgufFile.of("damaged.gguf", MemorySegment.ofArray(bytes));
      for (GgufTensor tensor : file.tensors().values()) {
        tensor.stored();
      }
      return true;
    } catch (MalformedModelException | UnsupportedModelException e) {
      assertThat(e.getMessage()).contains("damaged.gguf").doesNotContain("\n");
      return false;
    }
  }

  @Test
  void everyTruncationIsRefused() {
    assertThat(survives(whole)).isTrue();
    // The last tensor has four bytes, and padding that nobody needs.
    int needed = dataStart + lastByte();
    for (int length = 0; length < needed; length++) {
      assertThat(survives(Arrays.copyOf(whole, length))).as("length " + length).isFalse();
    }
  }

  private static int lastByte() {
    long end = 0;
    for (GgufTensor t : GgufFile.of("m.gguf", MemorySegment.ofArray(whole)).tensors().values()) {
      end = Math.max(end, t.data().address() - MemorySegment.ofArray(whole).address() + t.data().byteSize());
    }
    return (int) end - dataStart;
  }

  @Test
  void everyBitOfTheHeadMayFlip() {
    for (int bit = 0; bit < 8 * dataStart; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      survives(flipped);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8})
  void numbersAnywhereMayBeAbsurd(int width) {
    for (int at = 0; at + width <= dataStart; at++) {
      for (long number : NUMBERS) {
        var changed = ByteBuffer.wrap(whole.clone()).order(ByteOrder.LITTLE_ENDIAN);
        if (width == 4) {
          changed.putInt(at, (int) number);
        } else {
          changed.putLong(at, number);
        }
        survives(changed.array());
      }
    }
  }

  @Test
  void severalThingsMayBeWrongAtOnce() {
    Gen.forSeeds(3000, gen -> {
      byte[] changed = whole.clone();
      for (int i = gen.intIn(1, 6); i > 0; i--) {
        int at = gen.intIn(0, dataStart - 9);
        switch (gen.intIn(0, 2)) {
          case 0 -> changed[at] = (byte) gen.intIn(-128, 127);
          case 1 -> ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putLong(at, gen.pick(NUMBERS));
          default -> System.arraycopy(changed, gen.intIn(0, dataStart - 9), changed, at, 8);
        }
      }
      survives(gen.chance(0.2) ? Arrays.copyOf(changed, gen.intIn(0, changed.length)) : changed);
    });
  }

  @Test
  void countsAreComparedWithTheFileBeforeAnythingIsMade() {
    for (int at : new int[] {8, 16}) {
      for (long count : NUMBERS) {
        if (count > 1000 || count < 0) {
          var changed = ByteBuffer.wrap(whole.clone()).order(ByteOrder.LITTLE_ENDIAN).putLong(at, count);
          assertThat(survives(changed.array())).isFalse();
        }
      }
    }
  }
}
