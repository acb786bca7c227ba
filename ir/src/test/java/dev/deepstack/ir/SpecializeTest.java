package dev.deepstack.ir;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

final class SpecializeTest {
  @Test
  void fixesASymbolEverywhere() {
    Graph graph = GraphText.parse("""
        graph (s: 1..24, t: 2..9) {
          %0 = input name="x" : f32[s,t,8]
          %1 = reshape %0, shape=[s,8*t] : f32[s,8*t]
          %2 = iota extent=s : i64[s]
          %3 = dim_value dim=3*s+1 : i64[]
          %4 = slice %1, axis=1, start=0, size=4*s, step=1 : f32[s,4*s]
          result "y" %4
          result "n" %3
          update "i" %2
        }
        """);
    Graph special = Specialize.run(graph, Map.of("s", 2L));
    Verifier.verify(special);
    assertThat(special.toString()).isEqualTo("""
        graph (t: 2..9) {
          %0 = input name="x" : f32[2,t,8]
          %1 = reshape %0, shape=[2,8*t] : f32[2,8*t]
          %2 = iota extent=2 : i64[2]
          %3 = dim_value dim=7 : i64[]
          %4 = slice %1, axis=1, start=0, size=8, step=1 : f32[2,8]
          result "y" %4
          result "n" %3
          update "i" %2
        }
        """);
  }
}
