package dev.deepstack.ir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.List;
import org.junit.jupiter.api.Test;

final class GraphTextTest {
  @Test
  void printsAndParses() {
    var g = new Graph();
    g.symbol("s27", new DimRange(1, 24));
    Dim s = Dim.symbol("s27");
    Value x = g.input("the \"x\"", new TensorType(DType.F32, Shape.of(Dim.ONE, s, Dim.of(8))));
    Value cache = g.state("cache", TensorType.of(DType.F32, 1, 24, 8));
    Value w = g.weight("w", TensorType.of(DType.BF16, 4, 8));
    Value y = g.add(new Op.Linear(x, w, null));
    Value z = g.add(new Op.Concat(List.of(y, y), 2));
    Value pos = g.add(new Op.Iota(s));
    g.update("cache", g.add(new Op.Scatter(cache, pos, x, 1, Op.Combine.SET)));
    g.result("logits", g.add(new Op.Reshape(z, Shape.of(Dim.ONE, s.times(8)))));
    Verifier.verify(g);

    String text = GraphText.print(g);
    assertThat(text).contains("%3 = linear %0, %2, _ : f32[1,s27,4]");
    assertThat(text).contains("combine=set").contains("[1,8*s27]");
    assertThat(GraphText.print(GraphText.parse(text))).isEqualTo(text);
  }

  @Test
  void sameOpIsSameValue() {
    var g = new Graph();
    Value x = g.input("x", TensorType.of(DType.F32, 3));
    assertThat(g.add(new Op.Neg(x))).isSameAs(g.add(new Op.Neg(x)));
  }

  @Test
  void everyOpIsInTheSchema() {
    assertThat(OpSchema.all()).hasSizeGreaterThan(70).extracting(OpSchema::name)
        .contains("mat_mul", "rms_norm", "routed_experts", "input").doesNotHaveDuplicates();
  }

  @Test
  void namesTheBrokenLine() {
    assertThatThrownBy(() -> GraphText.parse("graph () {\n  %0 = nonsense : f32[2]\n}"))
        .isInstanceOf(IrException.class).hasMessageContaining("line 2").hasMessageContaining("nonsense");
  }
}
