package dev.deepstack.reference;

import static dev.deepstack.reference.Tensors.apply;
import static dev.deepstack.reference.Tensors.f32;
import static dev.deepstack.reference.Tensors.i64;
import static dev.deepstack.reference.Tensors.of;
import static dev.deepstack.reference.Tensors.shape;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

class MovementTest {
  private static final HostTensor X = of(DType.F32, shape(2, 3), 1, 2, 3, 4, 5, 6);

  @Test
  void sources() {
    assertThat(Interpreter.evaluate(new Op.Iota(Dim.of(3))).toLongs()).containsExactly(0, 1, 2);
    assertThat(Interpreter.evaluate(new Op.DimValue(Dim.of(5))).toLongs()).containsExactly(5);
    assertThat(Interpreter.evaluate(new Op.Constant(0.1, DType.F32)).toFloats()).containsExactly(0.1f);
    assertThat(Interpreter.evaluate(new Op.Constant(3.01, DType.BF16)).toFloats()).containsExactly(3.015625f);
  }

  @Test
  void views() {
    assertThat(apply(v -> new Op.Reshape(v.get(0), Shape.of(3, 2)), X).toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(apply(v -> new Op.Permute(v.get(0), List.of(1, 0)), X).toFloats()).containsExactly(1, 4, 2, 5, 3, 6);
    HostTensor wide = apply(v -> new Op.Expand(v.get(0), Shape.of(2, 2, 3)), of(DType.F32, shape(2, 1), 1, 2));
    assertThat(wide.toFloats()).containsExactly(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2);
  }

  @Test
  void slices() {
    assertThat(slice(1, 1, 2, 1).toFloats()).containsExactly(2, 3, 5, 6);
    assertThat(slice(1, 0, 2, 2).toFloats()).containsExactly(1, 3, 4, 6);
    assertThat(slice(1, 2, 3, -1).toFloats()).containsExactly(3, 2, 1, 6, 5, 4);
    assertThat(slice(-2, 1, 1, 1).toFloats()).containsExactly(4, 5, 6);
    assertThat(slice(1, 3, 0, 1).elements()).isZero();
    assertThatThrownBy(() -> slice(1, 2, 2, 1)).isInstanceOf(IrException.class).hasMessageContaining("extent 3");
  }

  private static HostTensor slice(int axis, long start, long size, long step) {
    return apply(v -> new Op.Slice(v.get(0), axis, Dim.of(start), Dim.of(size), step), X);
  }

  @Test
  void concatenates() {
    HostTensor y = apply(v -> new Op.Concat(v, 1), X, of(DType.F32, shape(2, 1), 7, 8), of(DType.F32, shape(2, 0)));
    assertThat(y.toFloats()).containsExactly(1, 2, 3, 7, 4, 5, 6, 8);
  }

  @Test
  void pads() {
    HostTensor y = apply(v -> new Op.Pad(v.get(0), List.of(Dim.ZERO, Dim.ONE), List.of(Dim.ONE, Dim.of(-1)), 9), X);
    assertThat(y.shape()).containsExactly(3, 3);
    assertThat(y.toFloats()).containsExactly(9, 1, 2, 9, 4, 5, 9, 9, 9);
  }

  @Test
  void gathers() {
    HostTensor y = apply(v -> new Op.Gather(v.get(0), v.get(1), 1), X, HostTensor.of(new long[] {2, 0, 0, 1}, 2, 2));
    assertThat(y.shape()).containsExactly(2, 2, 2);
    assertThat(y.toFloats()).containsExactly(3, 1, 1, 2, 6, 4, 4, 5);
    assertThat(apply(v -> new Op.Gather(v.get(0), v.get(1), 0), X, of(DType.I32, shape(), 1)).toFloats())
        .containsExactly(4, 5, 6);
    assertThatThrownBy(() -> apply(v -> new Op.Gather(v.get(0), v.get(1), 0), X, i64(2)))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("index 2");
    assertThatThrownBy(() -> apply(v -> new Op.Gather(v.get(0), v.get(1), 0), X, i64(-1)))
        .isInstanceOf(InvalidInputException.class);
  }

  @Test
  void takesAlong() {
    HostTensor indices = HostTensor.of(new long[] {2, 1}, 1, 2);
    assertThat(apply(v -> new Op.TakeAlong(v.get(0), v.get(1), 1), X, indices).toFloats()).containsExactly(3, 2);
    HostTensor rows = HostTensor.of(new long[] {1, 0, 1}, 1, 3);
    assertThat(apply(v -> new Op.TakeAlong(v.get(0), v.get(1), 0), X, rows).toFloats()).containsExactly(4, 2, 6);
  }

  @Test
  void scatters() {
    HostTensor source = of(DType.F32, shape(2, 2), 10, 20, 30, 40);
    assertThat(scatter(i64(2, 2), source, Op.Combine.SET)).containsExactly(1, 2, 20, 4, 5, 40);
    assertThat(scatter(i64(2, 2), source, Op.Combine.ADD)).containsExactly(1, 2, 33, 4, 5, 76);
    assertThat(X.toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
  }

  private static float[] scatter(HostTensor indices, HostTensor source, Op.Combine combine) {
    return apply(v -> new Op.Scatter(v.get(0), v.get(1), v.get(2), 1, combine), X, indices, source).toFloats();
  }

  @Test
  void scattersAlong() {
    HostTensor indices = HostTensor.of(new long[] {0, 0}, 1, 2);
    HostTensor source = of(DType.F32, shape(1, 2), 10, 20);
    assertThat(along(indices, source, Op.Combine.SET)).containsExactly(20, 2, 3, 4, 5, 6);
    assertThat(along(indices, source, Op.Combine.ADD)).containsExactly(31, 2, 3, 4, 5, 6);
    HostTensor sums = apply(v -> new Op.ScatterAlong(v.get(0), v.get(1), v.get(2), 0, Op.Combine.ADD),
        i64(1, 1), i64(0, 0, 1), i64(5, 6, 7));
    assertThat(sums.toLongs()).containsExactly(12, 8);
  }

  private static float[] along(HostTensor indices, HostTensor source, Op.Combine combine) {
    return apply(v -> new Op.ScatterAlong(v.get(0), v.get(1), v.get(2), 1, combine), X, indices, source).toFloats();
  }
}
