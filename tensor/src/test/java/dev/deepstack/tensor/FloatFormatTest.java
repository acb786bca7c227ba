package dev.deepstack.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class FloatFormatTest {
  /// Every code of an 8-bit format decodes to a value that encodes to the code again.
  @Test
  void eightBitFormatsRoundTrip() {
    for (int code = 0; code < 256; code++) {
      float e4m3 = FloatFormat.fromF8E4M3((byte) code);
      assertThat(FloatFormat.toF8E4M3(e4m3) & (Float.isNaN(e4m3) ? 0x7f : 0xff))
          .as("e4m3 %02x", code).isEqualTo(Float.isNaN(e4m3) ? 0x7f : code);
      float e5m2 = FloatFormat.fromF8E5M2((byte) code);
      if (!Float.isNaN(e5m2)) {
        assertThat(FloatFormat.toF8E5M2(e5m2) & 0xff).as("e5m2 %02x", code).isEqualTo(code);
      }
    }
  }

  @Test
  void encodesToTheNearest() {
    assertThat(FloatFormat.fromF8E4M3(FloatFormat.toF8E4M3(448f))).isEqualTo(448f);
    assertThat(FloatFormat.fromF8E4M3(FloatFormat.toF8E4M3(463f))).isEqualTo(448f);
    assertThat(FloatFormat.fromF8E4M3(FloatFormat.toF8E4M3(1.0625f))).isEqualTo(1f);
    assertThat(FloatFormat.fromF8E4M3(FloatFormat.toF8E4M3(1.1875f))).isEqualTo(1.25f);
    assertThat(FloatFormat.fromF8E4M3(FloatFormat.toF8E4M3(0x1p-10f))).isEqualTo(0f);
    assertThat(FloatFormat.fromF8E4M3(FloatFormat.toF8E4M3(0x1.8p-9f))).isEqualTo(0x1p-8f);
  }

  @Test
  void bf16RoundsToNearestEven() {
    assertThat(FloatFormat.toBf16(1f)).isEqualTo((short) 0x3f80);
    assertThat(FloatFormat.toBf16(Float.intBitsToFloat(0x3f808000))).isEqualTo((short) 0x3f80);
    assertThat(FloatFormat.toBf16(Float.intBitsToFloat(0x3f818000))).isEqualTo((short) 0x3f82);
    assertThat(FloatFormat.fromBf16(FloatFormat.toBf16(Float.NaN))).isNaN();
    assertThat(FloatFormat.fromBf16(FloatFormat.toBf16(Float.MAX_VALUE))).isInfinite();
  }
}
