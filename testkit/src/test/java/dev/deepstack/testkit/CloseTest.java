package dev.deepstack.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class CloseTest {
  @Test
  void acceptsWithinTolerance() {
    Close.assertClose(new double[] {1, 100, 0.0}, new double[] {1.05, 100.9, -0.0}, 0.1, 0.01);
    Close.assertClose(new float[] {Float.NaN, Float.POSITIVE_INFINITY},
        new float[] {Float.NaN, Float.POSITIVE_INFINITY}, 0, 0);
  }

  @Test
  void namesTheFirstAndTheWorst() {
    assertThatThrownBy(
            () -> Close.assertClose(new double[] {1, 2, 3, 4}, new double[] {1, 2.5, 3, 9}, 0.1, 0))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("2 of 4")
        .hasMessageContaining("first [1]")
        .hasMessageContaining("worst [3]");
  }

  @Test
  void aNumberIsNeverCloseToNan() {
    assertThatThrownBy(() -> Close.assertClose(new float[] {1}, new float[] {Float.NaN}, 1e9, 1e9))
        .hasMessageContaining("1 of 1");
    assertThatThrownBy(() -> Close.assertClose(new float[] {Float.NaN}, new float[] {1}, 1e9, 1e9))
        .hasMessageContaining("1 of 1");
    assertThatThrownBy(
            () -> Close.assertClose(
                new double[] {Double.POSITIVE_INFINITY}, new double[] {Double.NEGATIVE_INFINITY}, 1, 1))
        .hasMessageContaining("1 of 1");
  }

  @Test
  void countsMustAgree() {
    assertThatThrownBy(() -> Close.assertClose(new float[2], new float[3], 0, 0))
        .hasMessageContaining("expected 2 elements but got 3");
  }
}
