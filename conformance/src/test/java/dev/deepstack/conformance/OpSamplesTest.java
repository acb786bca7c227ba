package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.ExpandComposites;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Verifier;
import dev.deepstack.reference.Interpreter;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OpSamplesTest {
  private static final int SAMPLES_PER_OP_MIN = 3;

  @ParameterizedTest
  @MethodSource("dev.deepstack.conformance.OpSamples#all")
  void sampleIsSound(Sample sample) {
    checkSound(sample);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2, 3, 4})
  void randomGraphsAreSound(long block) {
    for (long seed = block * 40; seed < block * 40 + 40; seed++) {
      checkSound(RandomGraphs.next(seed));
    }
  }

  @Test
  void randomGraphsRepeat() {
    assertThat(RandomGraphs.next(7).graph()).hasToString(RandomGraphs.next(7).graph().toString());
  }

  @Test
  void namesAreUnique() {
    assertThat(OpSamples.all().map(Sample::name)).doesNotHaveDuplicates();
  }

  @Test
  void everyOpHasSamples() {
    Map<String, Long> counts = OpSamples.all()
        .collect(Collectors.groupingBy(s -> s.name().substring(0, s.name().indexOf('/')), Collectors.counting()));
    for (OpSchema schema : OpSchema.all()) {
      if (!Op.Source.class.isAssignableFrom(schema.type())) {
        long count = counts.entrySet().stream()
            .filter(e -> e.getKey().split(" ")[0].equals(schema.name())).mapToLong(Map.Entry::getValue).sum();
        boolean fixed = schema.type() == Op.Constant.class || schema.type() == Op.DimValue.class;
        assertThat(count).as(schema.name()).isGreaterThanOrEqualTo(fixed ? 1 : SAMPLES_PER_OP_MIN);
      }
    }
  }

  @Test
  void everySampleContainsTheOpOfItsName() {
    OpSamples.all().forEach(s -> {
      String op = s.name().split("[/ ]")[0];
      assertThat(s.graph().values()).as(s.name()).anyMatch(v -> OpSchema.name(v.op()).equals(op));
    });
  }

  private static void checkSound(Sample sample) {
    Verifier.verify(sample.graph());
    String text = sample.graph().toString();
    Graph parsed = GraphText.parse(text);
    assertThat(parsed).hasToString(text);
    Graph expanded = ExpandComposites.expand(sample.graph());
    Verifier.verify(expanded);
    assertThat(expanded.ops(Op.Composite.class)).isEmpty();
    var results = run(sample, sample.graph());
    assertThat(bytes(run(sample, expanded))).isEqualTo(bytes(results));
    assertThat(bytes(run(sample, parsed))).isEqualTo(bytes(results));
    assertThat(results).as(sample.name()).isNotEmpty();
  }

  private static SequencedMap<String, HostTensor> run(Sample sample, Graph graph) {
    return Interpreter.run(graph, sample.inputs(), Map.of(), name -> sample.weights().get(name)).results();
  }

  private static Map<String, String> bytes(Map<String, HostTensor> tensors) {
    return tensors.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue() + " "
        + HexFormat.of().formatHex(e.getValue().data().toArray(ValueLayout.JAVA_BYTE))));
  }
}
