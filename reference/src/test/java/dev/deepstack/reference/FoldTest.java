package dev.deepstack.reference;

import static dev.deepstack.reference.Tensors.apply;
import static dev.deepstack.reference.Tensors.bool;
import static dev.deepstack.reference.Tensors.f32;
import static dev.deepstack.reference.Tensors.i64;
import static dev.deepstack.reference.Tensors.of;
import static dev.deepstack.reference.Tensors.shape;
import static dev.deepstack.reference.Tensors.unary;
import static dev.deepstack.reference.Tensors.vector;
import static java.lang.Double.NaN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Reductions, scans, order and matrix products.
class FoldTest {
  private static final HostTensor X = of(DType.F32, shape(2, 3), 1, 2, 3, 4, 5, 6);

  @Test
  void sums() {
    assertThat(unary(x -> new Op.ReduceSum(x, List.of(1), false), X)).containsExactly(6, 15);
    assertThat(unary(x -> new Op.ReduceSum(x, List.of(0), false), X)).containsExactly(5, 7, 9);
    HostTensor all = apply(v -> new Op.ReduceSum(v.get(0), List.of(0, 1), true), X);
    assertThat(all.shape()).containsExactly(1, 1);
    assertThat(all.toFloats()).containsExactly(21);
    assertThat(unary(x -> new Op.ReduceSum(x, List.of(0), false), of(DType.F32, shape(0, 2)))).containsExactly(0, 0);
    assertThat(unary(x -> new Op.ReduceSum(x, List.of(0), false), vector(DType.I8, 100, 100))).containsExactly(-56);
    assertThat(unary(x -> new Op.ReduceSum(x, List.of(0), false), bool(1, 1))).containsExactly(1);
    // In bf16 steps the sum would stay at 256.
    HostTensor many = vector(DType.BF16, 256, 1, 1, 1, 1);
    assertThat(unary(x -> new Op.ReduceSum(x, List.of(0), false), many)).containsExactly(260);
  }

  @Test
  void products() {
    assertThat(unary(x -> new Op.ReduceProd(x, List.of(1), false), X)).containsExactly(6, 120);
    assertThat(unary(x -> new Op.ReduceProd(x, List.of(0), false), of(DType.I64, shape(0)))).containsExactly(1);
    assertThat(unary(x -> new Op.ReduceProd(x, List.of(0), false), bool(1, 0))).containsExactly(0);
  }

  @Test
  void extremes() {
    assertThat(unary(x -> new Op.ReduceMax(x, List.of(0), false), X)).containsExactly(4, 5, 6);
    assertThat(unary(x -> new Op.ReduceMin(x, List.of(1), false), X)).containsExactly(1, 4);
    assertThat(unary(x -> new Op.ReduceMax(x, List.of(0), false), f32(1, NaN, 2))).containsExactly(NaN);
    assertThat(unary(x -> new Op.ReduceMin(x, List.of(0), false), f32(1, NaN, 2))).containsExactly(NaN);
    assertThat(unary(x -> new Op.ReduceMin(x, List.of(0), false), i64(5, -2))).containsExactly(-2);
    assertThat(unary(x -> new Op.ReduceMax(x, List.of(0), false), bool(0, 1))).containsExactly(1);
    assertThat(unary(x -> new Op.ReduceMin(x, List.of(0), false), bool(0, 1))).containsExactly(0);
  }

  @Test
  void extremesOfNothing() {
    HostTensor none = of(DType.F32, shape(2, 0));
    assertThatThrownBy(() -> unary(x -> new Op.ReduceMax(x, List.of(1), false), none))
        .isInstanceOf(IrException.class).hasMessageContaining("empty");
    assertThat(unary(x -> new Op.ReduceMax(x, List.of(0), false), none)).isEmpty();
    HostTensor noBool = of(DType.BOOL, shape(2, 0));
    assertThat(unary(x -> new Op.ReduceMax(x, List.of(1), false), noBool)).containsExactly(0, 0);
    assertThat(unary(x -> new Op.ReduceMin(x, List.of(1), false), noBool)).containsExactly(1, 1);
    assertThatThrownBy(() -> unary(x -> new Op.ArgMax(x, 1), none)).isInstanceOf(IrException.class);
  }

  @Test
  void firstLargest() {
    assertThat(unary(x -> new Op.ArgMax(x, 0), f32(1, 3, 3))).containsExactly(1);
    assertThat(unary(x -> new Op.ArgMax(x, 0), f32(1, NaN, 3, NaN))).containsExactly(1);
    assertThat(unary(x -> new Op.ArgMax(x, 0), f32(-0.0, 0))).containsExactly(0);
    assertThat(unary(x -> new Op.ArgMax(x, -2), X)).containsExactly(1, 1, 1);
  }

  @Test
  void runningSums() {
    assertThat(unary(x -> new Op.CumSum(x, 1), X)).containsExactly(1, 3, 6, 4, 9, 15);
    assertThat(unary(x -> new Op.CumSum(x, 0), X)).containsExactly(1, 2, 3, 5, 7, 9);
    assertThat(unary(x -> new Op.CumSum(x, 0), vector(DType.BF16, 256, 1, 1))).containsExactly(256, 256, 258);
    assertThat(unary(x -> new Op.CumSum(x, 0), i64(1, 2))).containsExactly(1, 3);
  }

  @Test
  void orders() {
    HostTensor x = f32(2, NaN, 1, 2, 3);
    assertThat(unary(v -> new Op.TopK(v, 3, true), x)).containsExactly(1, 4, 0);
    assertThat(unary(v -> new Op.TopK(v, 3, false), x)).containsExactly(2, 0, 3);
    assertThat(unary(v -> new Op.ArgSort(v, false), x)).containsExactly(2, 0, 3, 4, 1);
    assertThat(unary(v -> new Op.ArgSort(v, true), x)).containsExactly(1, 4, 0, 3, 2);
    assertThat(unary(v -> new Op.ArgSort(v, false), f32(0, -0.0))).containsExactly(0, 1);
    assertThat(unary(v -> new Op.TopK(v, 1, true), X)).containsExactly(2, 2);
    assertThatThrownBy(() -> unary(v -> new Op.TopK(v, 4, true), X)).isInstanceOf(IrException.class);
  }

  @Test
  void matrixProducts() {
    HostTensor b = of(DType.F32, shape(3, 2), 1, 0, 0, 1, 1, 1);
    assertThat(apply(v -> new Op.MatMul(v.get(0), v.get(1)), X, b).toFloats()).containsExactly(4, 5, 10, 11);
    HostTensor batch = of(DType.F32, shape(2, 1, 2), 1, 2, 3, 4);
    HostTensor batched = apply(v -> new Op.MatMul(v.get(0), v.get(1)), batch, X);
    assertThat(batched.shape()).containsExactly(2, 1, 3);
    assertThat(batched.toFloats()).containsExactly(9, 12, 15, 19, 26, 33);
    HostTensor none = apply(v -> new Op.MatMul(v.get(0), v.get(1)),
        of(DType.F32, shape(2, 0)), of(DType.F32, shape(0, 1)));
    assertThat(none.toFloats()).containsExactly(0, 0);
    HostTensor whole = apply(v -> new Op.MatMul(v.get(0), v.get(1)),
        of(DType.I32, shape(1, 2), 2, 3), of(DType.I32, shape(2, 1), 5, 7));
    assertThat(whole.toLongs()).containsExactly(31);
  }

  @Test
  void groupedProducts() {
    HostTensor x = of(DType.F32, shape(4, 1), 1, 2, 3, 4);
    HostTensor w = of(DType.F32, shape(3, 1, 1), 10, 100, 1000);
    assertThat(grouped(x, w, i64(1, 1, 3))).containsExactly(10, 2000, 3000, 0);
    assertThatThrownBy(() -> grouped(x, w, i64(1, 0, 3))).isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> grouped(x, w, i64(1, 2, 5))).isInstanceOf(InvalidInputException.class);
  }

  private static float[] grouped(HostTensor x, HostTensor w, HostTensor offsets) {
    return apply(v -> new Op.GroupedMatMul(v.get(0), v.get(1), v.get(2)), x, w, offsets).toFloats();
  }
}
