package dev.deepstack.reference;

import static dev.deepstack.reference.Tensors.apply;
import static dev.deepstack.reference.Tensors.binary;
import static dev.deepstack.reference.Tensors.bool;
import static dev.deepstack.reference.Tensors.f32;
import static dev.deepstack.reference.Tensors.i64;
import static dev.deepstack.reference.Tensors.of;
import static dev.deepstack.reference.Tensors.shape;
import static dev.deepstack.reference.Tensors.unary;
import static dev.deepstack.reference.Tensors.vector;
import static java.lang.Double.NEGATIVE_INFINITY;
import static java.lang.Double.NaN;
import static java.lang.Double.POSITIVE_INFINITY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import org.junit.jupiter.api.Test;

class ElementwiseTest {
  @Test
  void signs() {
    assertThat(unary(Op.Neg::new, f32(1, -2, 0))).containsExactly(-1, 2, -0.0);
    assertThat(unary(Op.Abs::new, f32(-1, -0.0, NEGATIVE_INFINITY))).containsExactly(1, 0, POSITIVE_INFINITY);
    assertThat(unary(Op.Sign::new, f32(-3, 0, 5, NaN))).containsExactly(-1, 0, 1, NaN);
    assertThat(unary(Op.Sign::new, i64(-3, 0, 5))).containsExactly(-1, 0, 1);
    assertThat(unary(Op.Abs::new, vector(DType.I8, -128, -5))).containsExactly(-128, 5);
    assertThat(unary(Op.Neg::new, vector(DType.U8, 1))).containsExactly(255);
  }

  @Test
  void functions() {
    assertThat(unary(Op.Exp::new, f32(0, 1, NEGATIVE_INFINITY))).containsExactly(1, (float) Math.E, 0);
    assertThat(unary(Op.Expm1::new, f32(0, 1e-8))).containsExactly(0, (float) 1e-8);
    assertThat(unary(Op.Log::new, f32(1, 0, -1))).containsExactly(0, NEGATIVE_INFINITY, NaN);
    assertThat(unary(Op.Log1p::new, f32(0, 1e-8))).containsExactly(0, (float) 1e-8);
    assertThat(unary(Op.Sqrt::new, f32(4, 2, -1))).containsExactly(2, (float) Math.sqrt(2), NaN);
    assertThat(unary(Op.Rsqrt::new, f32(4, 0))).containsExactly(0.5, POSITIVE_INFINITY);
    assertThat(unary(Op.Sin::new, f32(0, POSITIVE_INFINITY))).containsExactly(0, NaN);
    assertThat(unary(Op.Cos::new, f32(0))).containsExactly(1);
    assertThat(unary(Op.Tanh::new, f32(0, 100, -100))).containsExactly(0, 1, -1);
    assertThat(unary(Op.Sigmoid::new, f32(0, 1000, -1000))).containsExactly(0.5, 1, 0);
  }

  @Test
  void erfHasFullPrecision() {
    double[] y = unary(Op.Erf::new, vector(DType.F64, 0.5, -1, 3, 7, 1e-300, NaN, 5.9));
    double[] expected = {
        0.5204998778130465, -0.8427007929497149, 0.9999779095030014, 1, 1.1283791670955126e-300, NaN, 1};
    assertThat(y).containsExactly(expected, within(1e-15));
  }

  @Test
  void rounding() {
    assertThat(unary(Op.Floor::new, f32(-0.5, 1.5))).containsExactly(-1, 1);
    assertThat(unary(Op.Ceil::new, f32(-0.5, 1.5))).containsExactly(-0.0, 2);
    assertThat(unary(Op.Round::new, f32(0.5, 1.5, 2.5, -0.5))).containsExactly(0, 2, 2, -0.0);
    assertThat(unary(Op.Trunc::new, f32(-1.7, 1.7, NaN))).containsExactly(-1, 1, NaN);
    assertThat(unary(Op.Floor::new, i64(3))).containsExactly(3);
  }

  @Test
  void bits() {
    assertThat(unary(Op.Not::new, bool(0, 1))).containsExactly(1, 0);
    assertThat(unary(Op.Not::new, i64(0, 5))).containsExactly(-1, -6);
    assertThat(unary(Op.Not::new, vector(DType.U8, 5))).containsExactly(250);
    assertThat(binary(Op.And::new, i64(12), i64(10))).containsExactly(8);
    assertThat(binary(Op.Or::new, i64(12), i64(10))).containsExactly(14);
    assertThat(binary(Op.Xor::new, bool(1, 1), bool(0, 1))).containsExactly(1, 0);
    assertThat(unary(Op.IsNan::new, f32(NaN, 1))).containsExactly(1, 0);
    assertThat(unary(Op.IsNan::new, i64(1))).containsExactly(0);
  }

  @Test
  void arithmeticBroadcasts() {
    HostTensor column = of(DType.F32, shape(2, 1), 1, 2);
    HostTensor sum = apply(v -> new Op.Add(v.get(0), v.get(1)), column, f32(10, 20, 30));
    assertThat(sum.shape()).containsExactly(2, 3);
    assertThat(sum.toFloats()).containsExactly(11, 21, 31, 12, 22, 32);
    assertThat(binary(Op.Sub::new, f32(1), of(DType.F32, shape(), 3))).containsExactly(-2);
    assertThat(binary(Op.Mul::new, of(DType.F32, shape(0)), f32(2))).isEmpty();
  }

  @Test
  void resultsRoundToTheirDtype() {
    assertThat(binary(Op.Add::new, vector(DType.BF16, 256), vector(DType.BF16, 1))).containsExactly(256);
    assertThat(binary(Op.Mul::new, vector(DType.F16, 300), vector(DType.F16, 300))).containsExactly(POSITIVE_INFINITY);
    assertThat(binary(Op.Add::new, f32(1 << 24), f32(1))).containsExactly(1 << 24);
    assertThat(binary(Op.Add::new, vector(DType.F64, 1 << 24), vector(DType.F64, 1))).containsExactly((1 << 24) + 1);
  }

  @Test
  void integersWrap() {
    HostTensor max = vector(DType.I32, Integer.MAX_VALUE);
    assertThat(binary(Op.Add::new, max, vector(DType.I32, 1))).containsExactly(Integer.MIN_VALUE);
    assertThat(binary(Op.Mul::new, max, max)).containsExactly(1);
    assertThat(binary(Op.Mul::new, vector(DType.I8, 100), vector(DType.I8, 3))).containsExactly(44);
    assertThat(apply(v -> new Op.Add(v.get(0), v.get(1)), i64(Long.MAX_VALUE), i64(1)).toLongs())
        .containsExactly(Long.MIN_VALUE);
  }

  @Test
  void division() {
    assertThat(binary(Op.Div::new, f32(1, -1, 0), f32(0, 0, 0)))
        .containsExactly(POSITIVE_INFINITY, NEGATIVE_INFINITY, NaN);
    assertThat(binary(Op.Div::new, i64(7, -7, 7), i64(2, 2, 0))).containsExactly(3, -3, 0);
    assertThat(binary(Op.FloorDiv::new, i64(7, -7, 7, 7), i64(2, 2, -2, 0))).containsExactly(3, -4, -4, 0);
    assertThat(binary(Op.Rem::new, i64(7, -7, 7, 7), i64(3, 3, -3, 0))).containsExactly(1, 2, -2, 0);
    assertThat(binary(Op.FloorDiv::new, f32(7, -7, 1), f32(2, 2, 0))).containsExactly(3, -4, POSITIVE_INFINITY);
    assertThat(binary(Op.Rem::new, f32(7, -7, 7, 1), f32(3, 3, -3, 0))).containsExactly(1, 2, -2, NaN);
    assertThat(binary(Op.FloorDiv::new, vector(DType.F64, 1, -1), vector(DType.F64, 0.1, POSITIVE_INFINITY)))
        .containsExactly(9, -1);
  }

  @Test
  void powersAreThoseOfC() {
    assertThat(binary(Op.Pow::new, f32(2, 1, -1, -8, 0), f32(10, NaN, POSITIVE_INFINITY, 1.0 / 3, -1)))
        .containsExactly(1024, 1, 1, NaN, POSITIVE_INFINITY);
  }

  @Test
  void extremesKeepNan() {
    assertThat(binary(Op.Max::new, f32(1, NaN, 1), f32(2, 1, NaN))).containsExactly(2, NaN, NaN);
    assertThat(binary(Op.Min::new, f32(1, NaN, 1), f32(2, 1, NaN))).containsExactly(1, NaN, NaN);
    assertThat(binary(Op.Max::new, i64(-1), i64(-2))).containsExactly(-1);
  }

  @Test
  void comparisons() {
    HostTensor a = f32(1, 2, NaN);
    HostTensor b = f32(2, 2, NaN);
    assertThat(binary(Op.Eq::new, a, b)).containsExactly(0, 1, 0);
    assertThat(binary(Op.Ne::new, a, b)).containsExactly(1, 0, 1);
    assertThat(binary(Op.Lt::new, a, b)).containsExactly(1, 0, 0);
    assertThat(binary(Op.Le::new, a, b)).containsExactly(1, 1, 0);
    assertThat(binary(Op.Gt::new, b, a)).containsExactly(1, 0, 0);
    assertThat(binary(Op.Ge::new, b, a)).containsExactly(1, 1, 0);
    assertThat(binary(Op.Eq::new, f32(0), f32(-0.0))).containsExactly(1);
    assertThat(binary(Op.Lt::new, i64(Long.MAX_VALUE - 1), i64(Long.MAX_VALUE))).containsExactly(1);
  }

  @Test
  void selectBroadcasts() {
    HostTensor y = apply(v -> new Op.Select(v.get(0), v.get(1), v.get(2)),
        of(DType.BOOL, shape(2, 1), 1, 0), f32(1, NaN), of(DType.F32, shape(), 9));
    assertThat(y.shape()).containsExactly(2, 2);
    assertThat(y.toFloats()).containsExactly(1, Float.NaN, 9, 9);
  }

  @Test
  void casts() {
    assertThat(cast(f32(1.9, -1.9, NaN, 1e30), DType.I64)).containsExactly(1, -1, Long.MIN_VALUE, Long.MIN_VALUE);
    assertThat(cast(f32(0, -0.0, NaN, 0.1), DType.BOOL)).containsExactly(0, 0, 1, 1);
    assertThat(cast(i64(300, -1), DType.U8)).containsExactly(44, 255);
    assertThat(cast(i64(1L << 32), DType.BOOL)).containsExactly(1);
    assertThat(cast(bool(1, 0), DType.F32)).containsExactly(1, 0);
    assertThat(cast(i64((1 << 24) + 1), DType.F32)).containsExactly(1 << 24);
    assertThat(cast(f32(1.00390625, 1.01171875), DType.BF16)).containsExactly(1, 1.015625);
    assertThat(cast(f32(65520, 1e-8), DType.F16)).containsExactly(POSITIVE_INFINITY, 0);
    assertThat(cast(f32(448, 500), DType.F8E4M3)).containsExactly(448, NaN);
    assertThat(cast(f32(57344, 1e6), DType.F8E5M2)).containsExactly(57344, POSITIVE_INFINITY);
  }

  private static double[] cast(HostTensor x, DType dtype) {
    return unary(v -> new Op.Cast(v, dtype), x);
  }

  @Test
  void refusesOpsOfTheOtherKind() {
    assertThatThrownBy(() -> unary(Op.Exp::new, i64(1))).isInstanceOf(IrException.class).hasMessageContaining("exp");
    assertThatThrownBy(() -> binary(Op.And::new, f32(1), f32(1))).isInstanceOf(IrException.class);
  }
}
