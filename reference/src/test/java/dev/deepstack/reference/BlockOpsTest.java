package dev.deepstack.reference;

import static dev.deepstack.reference.Tensors.apply;
import static dev.deepstack.reference.Tensors.f32;
import static dev.deepstack.reference.Tensors.i64;
import static dev.deepstack.reference.Tensors.of;
import static dev.deepstack.reference.Tensors.shape;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.ir.Op;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Ops over stored blocks and cache pages.
class BlockOpsTest {
  @Test
  void dequantizesRows() {
    var rows = HostTensor.zeros(DType.U8, 2, 34);
    rows.setLong(1, 0x3c);
    rows.setLong(2, 5);
    rows.setLong(34 + 1, 0x40);
    rows.setLong(34 + 33, 253);
    HostTensor y = apply(v -> new Op.Dequantize(v.get(0), BlockFormat.Q8_0), rows);
    assertThat(y.shape()).containsExactly(2, 32);
    assertThat(y.getDouble(0)).isEqualTo(5);
    assertThat(y.getDouble(63)).isEqualTo(-6);
  }

  @Test
  void scalesTilesAndTheirCutEnds() {
    HostTensor x = of(DType.F8E4M3, shape(3, 2), 1, 2, 1, 2, 1, 2);
    HostTensor scales = of(DType.F32, shape(2, 2), 1, 10, 100, 1000);
    assertThat(apply(v -> new Op.ScaleTiles(v.get(0), v.get(1), 2, 1), x, scales).toFloats())
        .containsExactly(1, 20, 1, 20, 100, 2000);
  }

  @Test
  void roundsToCodesOfAGroup() {
    HostTensor x = f32(127, 0.5, 1.5, -126.6, 0, 0, 0, 0);
    assertThat(apply(v -> new Op.Int8Blocks(v.get(0), 4), x).toFloats()).containsExactly(127, 0, 2, -127, 0, 0, 0, 0);
  }

  /// Two sequences in pages of two slots, two query heads on one cache head.
  @Test
  void attendsToPagesAndWindowsAndSinks() {
    HostTensor q = of(DType.F32, shape(3, 2, 1), 0, 0, 0, 0, 0, 0);
    HostTensor k = HostTensor.zeros(DType.F32, 6, 1, 1);
    HostTensor v = of(DType.F32, shape(6, 1, 1), 1, 2, 4, 8, 16, 32);
    HostTensor pages = HostTensor.of(new long[] {2, 0, 1, 0}, 2, 2);
    HostTensor positions = i64(2, 0, 1);
    HostTensor sequences = i64(0, 1, 1);
    HostTensor sinks = of(DType.F32, shape(2), Double.NEGATIVE_INFINITY, 0);

    HostTensor all = apply(x -> new Op.PagedAttention(x.get(0), x.get(1), x.get(2), null, null, x.get(3), x.get(4),
        x.get(5), null, 1, 0, 0, 2), q, k, v, positions, sequences, pages);
    near(all, List.of(49 / 3.0, 49 / 3.0, 4.0, 4.0, 6.0, 6.0));
    HostTensor near = apply(x -> new Op.PagedAttention(x.get(0), x.get(1), x.get(2), null, null, x.get(3), x.get(4),
        x.get(5), x.get(6), 1, 0, 2, 2), q, k, v, positions, sequences, pages, sinks);
    near(near, List.of(33 / 2.0, 33 / 3.0, 4.0, 2.0, 6.0, 4.0));
  }

  @Test
  void widensAnEightBitCache() {
    HostTensor q = of(DType.F32, shape(1, 1, 1), 2);
    HostTensor k = of(DType.I8, shape(2, 1, 1), 1, 3);
    HostTensor v = of(DType.I8, shape(2, 1, 1), 10, 20);
    HostTensor kScale = of(DType.F32, shape(2, 1), 0.5, 0.25);
    HostTensor vScale = of(DType.F32, shape(2, 1), 1, 2);
    HostTensor y = apply(x -> new Op.PagedAttention(x.get(0), x.get(1), x.get(2), x.get(3), x.get(4), x.get(5),
        x.get(6), x.get(7), null, 1, 0, 0, 2), q, k, v, kScale, vScale, i64(1), i64(0),
        HostTensor.of(new long[] {0}, 1, 1));
    double a = Math.exp(1);
    double b = Math.exp(1.5);
    near(y, List.of((a * 10 + b * 40) / (a + b)));
  }

  private static void near(HostTensor actual, List<Double> expected) {
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.getDouble(i)).isCloseTo(expected.get(i), within(1e-5));
    }
  }
}
