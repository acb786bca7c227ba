package dev.deepstack.importer.aten;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.testkit.Golden;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class OperatorsTest {
  private final Operators operators = Operators.all();

  /// The list is for readers: what can be imported. In-place forms go without saying.
  @Test
  void listsWhatCanBeImported() {
    Golden.check("import/operators.txt", String.join("\n", operators.names()));
  }

  @Test
  void findsInPlaceForms() {
    assertThat(inPlace("torch.ops.aten.add_.Tensor")).isTrue();
    assertThat(inPlace("torch.ops.aten.__ior__.Scalar")).isTrue();
    assertThat(inPlace("torch.ops.aten.add.Tensor")).isFalse();
    assertThat(inPlace("torch.ops.aten.__and__.Tensor")).isFalse();
    assertThat(inPlace("torch.ops.aten.detach_.default")).isFalse();
  }

  private boolean inPlace(String target) {
    return Objects.requireNonNull(operators.find(target)).inPlace();
  }

  @Test
  void knowsNoOthers() {
    assertThat(operators.find("torch.ops.aten.randn.default")).isNull();
    assertThat(operators.find("torch.ops.higher_order.cond")).isNull();
    assertThat(operators.find("torch.ops.aten.fft_.default")).isNull();
  }
}
