package dev.deepstack.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DimBinderTest {
  private static final Map<String, DimRange> RANGES =
      Map.of("s", new DimRange(1, 8), "t", new DimRange(0, Long.MAX_VALUE));

  private final Map<String, TensorType> declared = new LinkedHashMap<>();
  private final Map<String, HostTensor> actual = new LinkedHashMap<>();

  private void input(String name, String shape, long... extents) {
    declared.put(name, new TensorType(DType.F32, shape(shape)));
    actual.put(name, HostTensor.zeros(DType.F32, extents));
  }

  private static Shape shape(String text) {
    return new Shape(java.util.Arrays.stream(text.split(" ")).map(Dim::parse).toList());
  }

  private Map<String, Long> bind() {
    return DimBinder.bind(declared, RANGES, actual);
  }

  private void fails(String... parts) {
    assertThatThrownBy(this::bind).isInstanceOf(InvalidInputException.class).hasMessageContainingAll(parts);
  }

  @Test
  void takesSymbolsFromPlainAxes() {
    input("x", "2 s t", 2, 5, 0);
    assertThat(bind()).containsExactlyInAnyOrderEntriesOf(Map.of("s", 5L, "t", 0L));
  }

  @Test
  void solvesLinearAxesAndChecksTheOthers() {
    input("x", "2*s+1 floordiv(s,2) s*t", 7, 1, 12);
    assertThat(bind()).containsExactlyInAnyOrderEntriesOf(Map.of("s", 3L, "t", 4L));
  }

  @Test
  void refusesWhatNoIntegerSolves() {
    input("x", "2*s+1", 4);
    fails("input x, axis 0", "4", "1+2*s", "integer s");
  }

  @Test
  void refusesDisagreement() {
    input("x", "s", 5);
    input("y", "3 s", 3, 6);
    fails("input y, axis 1: the extent is 6 but must be 5", "s is 5 by input x, axis 0");
    input("y", "2*s s", 11, 5);
    fails("input y, axis 0: the extent is 11 but must be 10", "2*s");
  }

  @Test
  void refusesWrongConstantExtent() {
    input("x", "2", 3);
    fails("input x, axis 0: the extent is 3 but must be 2");
  }

  @Test
  void refusesValuesOutOfRange() {
    input("x", "s", 9);
    fails("s = 9", "s must be between 1 and 8");
    input("x", "t+2", 1);
    fails("t = -1", "t must be at least 0");
  }

  @Test
  void refusesWhatCannotBeKnown() {
    input("x", "floordiv(s,2)", 2);
    fails("s cannot be known");
  }

  @Test
  void refusesWrongNamesDtypesAndRanks() {
    input("x", "s", 3);
    actual.put("z", HostTensor.zeros(DType.F32, 3));
    fails("unknown input: z", "x");
    actual.clear();
    fails("missing input: x");
    actual.put("x", HostTensor.zeros(DType.I64, 3));
    fails("input x: dtype is i64 but must be f32");
    actual.put("x", HostTensor.zeros(DType.F32, 3, 1));
    fails("input x: f32[3, 1] has rank 2 but must be f32[s]");
  }
}
