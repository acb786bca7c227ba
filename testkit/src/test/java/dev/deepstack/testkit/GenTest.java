package dev.deepstack.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class GenTest {
  @Test
  void theSameSeedGivesTheSameData() {
    assertThat(Gen.of(7).floats(5)).containsExactly(Gen.of(7).floats(5));
    assertThat(Gen.of(7).floats(5)).isNotEqualTo(Gen.of(8).floats(5));
  }

  @Test
  void aFailureNamesItsSeed() {
    assertThatThrownBy(
            () -> Gen.forSeeds(50, gen -> {
              if (gen.coin()) {
                throw new IllegalStateException("heads");
              }
            }))
        .isInstanceOf(AssertionError.class)
        .hasMessageMatching("fails for seed \\d+ \\(replay: -Dseed=\\d+\\): heads")
        .hasCauseInstanceOf(IllegalStateException.class);
  }

  @Test
  void staysInItsBounds() {
    Gen.forSeeds(100, gen -> {
      assertThat(gen.intIn(-2, 2)).isBetween(-2, 2);
      assertThat(gen.longIn(5, 5)).isEqualTo(5);
      assertThat(gen.longIn(Long.MAX_VALUE - 1, Long.MAX_VALUE)).isGreaterThanOrEqualTo(Long.MAX_VALUE - 1);
      assertThat(gen.length(4)).isBetween(0L, 4L);
      for (long length : gen.lengths(3, 9)) {
        assertThat(length).isBetween(1L, 9L);
      }
      assertThat(gen.permutation(6)).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
    });
  }
}
