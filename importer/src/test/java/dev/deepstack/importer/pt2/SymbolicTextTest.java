package dev.deepstack.importer.pt2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SymbolicTextTest {
  private static final String S = "Symbol('s0', positive=True, integer=True)";

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "Integer(-7) | -7",
      "S | 17",
      "Mul(Integer(2), S) | 34",
      "Add(Mul(Integer(-1), S), Integer(3), Integer(1)) | -13",
      "Pow(S, Integer(2)) | 289",
      "PowByNatural(S, Integer(0)) | 1",
      "FloorDiv(S, Integer(4)) | 4",
      "CleanDiv(Mul(Integer(4), S), Integer(4)) | 17",
      "CeilDiv(S, Integer(4)) | 5",
      "FloorToInt(IntTrueDiv(S, Integer(4))) | 4",
      "CeilToInt(IntTrueDiv(S, Integer(4))) | 5",
      "Mod(S, Integer(5)) | 2",
      "PythonMod(Mul(Integer(-1), S), Integer(5)) | 3",
      "ModularIndexing(S, Integer(4), Integer(3)) | 1",
      "Max(S, Integer(20), Integer(1)) | 20",
      "Min(S, Integer(20)) | 17",
      "LShift(S, Integer(2)) | 68",
      "RShift(S, Integer(2)) | 4",
      "Identity(S) | 17",
  })
  void evaluates(String text, long expected) {
    assertThat(SymbolicText.parse(text.replace("S,", S + ",").replace("S)", S + ")").replaceAll("^S$", S))
        .evaluate(Map.of("s0", 17L))).isEqualTo(expected);
  }

  @Test
  void readsPlainText() {
    assertThat(SymbolicText.parse("2*s0 + 1")).isEqualTo(Dim.symbol("s0").times(2).plus(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Where(Integer(1), Integer(2))", "TruncToFloat(Integer(1))",
      "Pow(Integer(2), Integer(-1))",
      "Pow(Integer(2), Symbol('s0'))", "FloorToInt(FloatTrueDiv(Integer(1), Integer(2)))"})
  void refusesOtherFunctions(String text) {
    assertThatThrownBy(() -> SymbolicText.parse(text)).isInstanceOf(UnsupportedModelException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Integer(1", "Integer()", "Integer(1) x", "Symbol('a b')", "Symbol('s0", "Add()",
      "(", "()",
      "Mod(Integer(1), Integer(0))", "FloorDiv(Integer(1), Integer(0))", "Integer(99999999999999999999)",
      "Add(true)",
      "Mul(Integer(1),)", ""})
  void refusesBrokenText(String text) {
    assertThatThrownBy(() -> SymbolicText.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shortTextCannotGrowWithoutEnd() {
    var power = "Add(Symbol('a'), Symbol('b'))";
    for (int i = 0; i < 20; i++) {
      power = "Pow(" + power + ", Integer(8))";
    }
    var grown = power;
    assertThatThrownBy(() -> SymbolicText.parse(grown)).isInstanceOf(UnsupportedModelException.class);
    var product = new StringBuilder("Mul(Integer(1)");
    for (int i = 0; i < 60; i++) {
      product.append(", Add(Symbol('a").append(i).append("'), Integer(1))");
    }
    assertThatThrownBy(() -> SymbolicText.parse(product + ")")).isInstanceOf(UnsupportedModelException.class);
    var nested = "Add(".repeat(1000) + "Integer(1)" + ")".repeat(1000);
    assertThatThrownBy(() -> SymbolicText.parse(nested)).isInstanceOf(IllegalArgumentException.class);
  }
}
