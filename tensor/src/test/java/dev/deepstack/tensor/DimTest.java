package dev.deepstack.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

final class DimTest {
  private final Dim s = Dim.symbol("s");
  private final Dim t = Dim.symbol("t");

  @Test
  void equalPolynomialsAreEqual() {
    assertThat(s.times(2).plus(s)).isEqualTo(s.times(3)).hasToString("3*s");
    assertThat(s.plus(t).times(s.minus(t))).isEqualTo(s.times(s).minus(t.times(t)));
    assertThat(s.minus(s)).isEqualTo(Dim.ZERO).isEqualTo(Dim.of(0));
  }

  @Test
  void dividesExactlyWhereItCan() {
    assertThat(s.times(t).times(6).floorDiv(t.times(2))).isEqualTo(s.times(3));
    assertThat(s.floorDiv(2)).hasToString("floordiv(s,2)");
    assertThat(s.times(4).mod(Dim.of(2))).isEqualTo(Dim.ZERO);
    assertThat(Dim.of(-7).floorDiv(2)).isEqualTo(Dim.of(-4));
  }

  @Test
  void parsesItsText() {
    for (Dim d : new Dim[] {s, Dim.of(-3), s.times(4).minus(1), s.floorDiv(2).max(t).times(3).plus(s.mod(Dim.of(5)))}) {
      assertThat(Dim.parse(d.toString())).isEqualTo(d);
    }
    assertThatThrownBy(() -> Dim.parse("3*+")).hasMessageContaining("at 2");
  }

  @Test
  void evaluatesAndSubstitutes() {
    assertThat(s.times(s).plus(t.floorDiv(2)).evaluate(Map.of("s", 3L, "t", 7L))).isEqualTo(12);
    assertThat(s.plus(t).substitute(Map.of("t", Dim.of(2)))).isEqualTo(s.plus(2));
    assertThatThrownBy(() -> s.evaluate(Map.of())).hasMessageContaining("s");
  }
}
