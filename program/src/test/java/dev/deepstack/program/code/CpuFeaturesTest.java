package dev.deepstack.program.code;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class CpuFeaturesTest {
  @Test
  void readsTheListOfTheSystemInLlvmsNames() {
    var cpu =
        CpuFeatures.parse(
            "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: abm bmi1 avx512_vnni sse4_1\n");
    assertThat(cpu.name()).isEqualTo("Some CPU");
    assertThat(cpu.features()).containsExactly("avx512vnni", "bmi", "lzcnt", "sse4.1");
    assertThat(cpu.missing(List.of("bmi", "fma", "avx"))).containsExactly("avx", "fma");
    assertThat(cpu.hasAvx2()).isFalse();
  }

  @Test
  void knowsNothingWithoutAList() {
    assertThat(CpuFeatures.parse("").features()).isEmpty();
    assertThat(CpuFeatures.parse("").hasAvx512()).isFalse();
  }
}
