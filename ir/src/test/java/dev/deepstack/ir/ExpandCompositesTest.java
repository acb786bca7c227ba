package dev.deepstack.ir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.TensorType;
import org.junit.jupiter.api.Test;

class ExpandCompositesTest {
  @Test
  void expandsNestedComposites() {
    var g = new Graph();
    Value x = g.input("x", TensorType.of(DType.F32, 3, 4));
    Value up = g.weight("up", TensorType.of(DType.F32, 5, 4));
    Value down = g.weight("down", TensorType.of(DType.F32, 4, 5));
    g.result("y", g.add(new Op.GatedMlp(x, up, up, down, Op.Activation.SILU)));

    Graph expanded = ExpandComposites.expand(g);

    Verifier.verify(expanded);
    assertThat(expanded.ops(Op.Composite.class)).isEmpty();
    assertThat(expanded.ops(Op.MatMul.class)).hasSize(2);
    assertThat(expanded.outputs().getFirst().value().type()).isEqualTo(TensorType.of(DType.F32, 3, 4));
  }

  @Test
  void leavesWhatIsNotChosen() {
    var g = new Graph();
    Value x = g.input("x", TensorType.of(DType.F32, 3));
    g.result("y", g.add(new Op.Silu(g.add(new Op.Softmax(x, 0)))));

    Graph expanded = ExpandComposites.expand(g, Op.Silu.class::isInstance);

    assertThat(expanded.ops(Op.Composite.class)).hasOnlyElementsOfType(Op.Softmax.class).hasSize(1);
  }

  @Test
  void keepsStatesAndOutputs() {
    var g = new Graph();
    Value s = g.state("s", TensorType.of(DType.F32, 2));
    g.update("s", g.add(new Op.Silu(s)));

    assertThat(ExpandComposites.expand(g)).hasToString("""
        graph () {
          %0 = state name="s" : f32[2]
          %1 = sigmoid %0 : f32[2]
          %2 = mul %0, %1 : f32[2]
          update "s" %2
        }
        """);
  }
}
