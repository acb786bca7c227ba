package dev.deepstack.reference;

import static dev.deepstack.reference.Tensors.apply;
import static dev.deepstack.reference.Tensors.f32;
import static dev.deepstack.reference.Tensors.of;
import static dev.deepstack.reference.Tensors.shape;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class InterpreterTest {
  private static final String COUNTER = """
      graph (s: 1..8) {
        %0 = input name="x" : f32[s]
        %1 = state name="total" : f32[1]
        %2 = weight name="w" : f32[1]
        %3 = reduce_sum %0, axes=[0], keep=true : f32[1]
        %4 = mul %3, %2 : f32[1]
        %5 = add %1, %4 : f32[1]
        %6 = dim_value dim=2*s+1 : i64[]
        update "total" %5
        result "before" %1
        result "length" %6
      }
      """;

  @Test
  void carriesStatesAndBindsSymbols() {
    var states = Map.of("total", f32(100));
    var outcome = Interpreter.run(GraphText.parse(COUNTER), Map.of("x", f32(1, 2, 3)), states, _ -> f32(10));

    assertThat(outcome.states().get("total").toFloats()).containsExactly(160);
    assertThat(outcome.results().keySet()).containsExactly("before", "length");
    assertThat(outcome.results().get("before").toFloats()).containsExactly(100);
    assertThat(outcome.results().get("length").toLongs()).containsExactly(7);
    assertThat(states.get("total").toFloats()).containsExactly(100);
  }

  @Test
  void refusesWhatDoesNotFit() {
    var graph = GraphText.parse(COUNTER);
    var states = Map.of("total", f32(0));
    assertThatThrownBy(() -> Interpreter.run(graph, Map.of("x", HostTensor.zeros(DType.F32, 9)), states, _ -> f32(1)))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("between 1 and 8");
    assertThatThrownBy(() -> Interpreter.run(graph, Map.of("x", f32(1)), states, _ -> f32(1, 2)))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("weight w");
  }

  @Test
  void softmaxAndNorms() {
    HostTensor x = of(DType.F32, shape(1, 2), 0, Math.log(3));
    assertThat(apply(v -> new Op.Softmax(v.get(0), -1), x).toFloats())
        .containsExactly(new float[] {0.25f, 0.75f}, within(1e-6f));
    assertThat(apply(v -> new Op.RmsNorm(v.get(0), v.get(1), 0), f32(3, 4), f32(1, 2)).toFloats())
        .containsExactly(new float[] {0.848528f, 2.262742f}, within(1e-6f));
    assertThat(apply(v -> new Op.LayerNorm(v.get(0), null, v.get(1), 0), f32(1, 3), f32(5, 5)).toFloats())
        .containsExactly(4, 6);
  }

  @Test
  void activations() {
    assertThat(apply(v -> new Op.Silu(v.get(0)), f32(0, 1)).toFloats())
        .containsExactly(new float[] {0, 0.7310586f}, within(1e-6f));
    assertThat(apply(v -> new Op.Gelu(v.get(0), false), f32(1)).toFloats())
        .containsExactly(new float[] {0.8413447f}, within(1e-6f));
    assertThat(apply(v -> new Op.Gelu(v.get(0), true), f32(1)).toFloats())
        .containsExactly(new float[] {0.841192f}, within(1e-6f));
  }

  @Test
  void linearLayers() {
    HostTensor w = of(DType.BF16, shape(2, 3), 1, 0, 0, 1, 1, 1);
    assertThat(apply(v -> new Op.Linear(v.get(0), v.get(1), v.get(2)), f32(1, 2, 3), w, f32(10, 20)).toFloats())
        .containsExactly(11, 26);
    HostTensor x = of(DType.F32, shape(1, 2), 1, -2);
    HostTensor one = of(DType.F32, shape(2, 2), 1, 0, 0, 1);
    assertThat(apply(v -> new Op.GatedMlp(v.get(0), v.get(1), v.get(2), v.get(3), Op.Activation.RELU),
        x, one, one, one).toFloats())
        .containsExactly(1, 0);
  }

  @Test
  void rotates() {
    HostTensor x = of(DType.F32, shape(1, 4), 1, 2, 3, 4);
    HostTensor quarter = f32(0, 0, 0, 0);
    HostTensor ones = f32(1, 1, 1, 1);
    assertThat(apply(v -> new Op.Rope(v.get(0), v.get(1), v.get(2), Op.RopeLayout.HALVES), x, quarter, ones).toFloats())
        .containsExactly(-3, -4, 1, 2);
    assertThat(apply(v -> new Op.Rope(v.get(0), v.get(1), v.get(2), Op.RopeLayout.INTERLEAVED), x, f32(0, 0), f32(1, 1))
        .toFloats()).containsExactly(-2, 1, -4, 3);
  }

  @Test
  void attends() {
    HostTensor q = of(DType.F32, shape(2, 1), 0, 0);
    HostTensor k = of(DType.F32, shape(2, 1), 5, 7);
    HostTensor v = of(DType.F32, shape(2, 1), 10, 20);
    assertThat(apply(o -> new Op.Attention(o.get(0), o.get(1), o.get(2), null, 1, true), q, k, v).toFloats())
        .containsExactly(10, 15);
    HostTensor mask = of(DType.BOOL, shape(2, 2), 0, 0, 0, 1);
    assertThat(apply(o -> new Op.Attention(o.get(0), o.get(1), o.get(2), o.get(3), 1, false), q, k, v, mask).toFloats())
        .containsExactly(0, 20);
  }

  @Test
  void routes() {
    HostTensor x = of(DType.F32, shape(2, 1), 1, 2);
    HostTensor w = of(DType.F32, shape(3, 1, 1), 10, 100, 1000);
    HostTensor ids = HostTensor.of(new long[] {0, 2, 1, 1}, 2, 2);
    assertThat(apply(v -> new Op.RoutedLinear(v.get(0), v.get(1), v.get(2)), x, w, ids).toFloats())
        .containsExactly(10, 1000, 200, 200);
    HostTensor gates = of(DType.F32, shape(2, 2), 1, 0.5, 1, 0);
    HostTensor gateUp = of(DType.F32, shape(3, 2, 1), 1, 1, 1, 1, 2, 1);
    assertThat(apply(v -> new Op.RoutedExperts(v.get(0), v.get(1), v.get(2), v.get(3), v.get(4), Op.Activation.RELU),
        x, ids, gates, gateUp, w).toFloats()).containsExactly(10 + 0.5f * 2 * 1000, 400);
  }
}
