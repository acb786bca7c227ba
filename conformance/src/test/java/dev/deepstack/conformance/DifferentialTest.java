package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Random graphs on the interpreter, and through passes and code generation: `-Dseeds=N` runs more of them, from
/// `-Dseed=N` on. A graph that fails is shown as small as it fails.
final class DifferentialTest {
  private static final int SEEDS = Integer.getInteger("seeds", 60);
  private static final int FIRST = Integer.getInteger("seed", 0);
  private static final int FAILURES_MAX = 5;
  private static final int SHRINK_ATTEMPTS = 400;
  private static final int CANARY_SEEDS = 400;
  private static final int SHOWN_ELEMENTS = 12;

  private static Differential ofSeed(int seed, UnaryOperator<Graph> passes) {
    return new Differential(passes, seed % 2 == 0 ? CpuTarget.host() : CpuTarget.avx2(), 1 + seed / 2 % 2);
  }

  @Test
  void randomGraphsAgree() {
    var failures = new ArrayList<String>();
    Map<String, Integer> ops = new TreeMap<>();
    for (int seed = FIRST; seed < FIRST + SEEDS && failures.size() < FAILURES_MAX; seed++) {
      Sample sample = RandomGraphs.next(seed);
      count(sample.graph(), ops);
      Differential differential = ofSeed(seed, Pipeline.standard()::run);
      Differential.Failure failure = differential.check(sample);
      if (failure != null) {
        failures.add("seed " + seed + ", " + failure.text() + ", made small:\n"
            + text(smallest(differential, sample, failure)));
      }
      if (SEEDS > 1000 && (seed + 1) % 1000 == 0) {
        System.out.println(seed + 1 - FIRST + " graphs, " + failures.size() + " failures; ops " + ops);
      }
    }
    assertThat(failures).as("graphs that do something else than they mean").isEmpty();
  }

  private static void count(Graph graph, Map<String, Integer> ops) {
    graph.values().forEach(v -> {
      ops.merge(OpSchema.name(v.op()), 1, Integer::sum);
      if (v.op() instanceof Op.Loop loop) {
        count(loop.body().graph(), ops);
      }
    });
  }

  private static Sample smallest(Differential differential, Sample sample, Differential.Failure failure) {
    return Shrinker.shrink(sample, SHRINK_ATTEMPTS, s -> {
      Differential.Failure f = differential.check(s);
      return f != null && f.kind().equals(failure.kind());
    });
  }

  private static String text(Sample sample) {
    var text = new StringBuilder(sample.graph().toString());
    sample.inputs().forEach((name, tensor) -> {
      text.append("// ").append(name).append(' ').append(tensor.type()).append(':');
      for (long i = 0; i < Math.min(SHOWN_ELEMENTS, tensor.elements()); i++) {
        text.append(' ').append(tensor.getDouble(i));
      }
      text.append(tensor.elements() > SHOWN_ELEMENTS ? " …\n" : "\n");
    });
    return text.toString();
  }

  /// A bug on purpose is found, and what is shown of it is small.
  @ParameterizedTest
  @EnumSource
  void aCanaryIsFoundAndMadeSmall(Canary canary) {
    for (int seed = 0; seed < CANARY_SEEDS; seed++) {
      Sample sample = RandomGraphs.next(seed);
      Graph right = Pipeline.standard().run(sample.graph());
      if (canary.apply(right).toString().equals(right.toString())) {
        continue;
      }
      Differential differential = ofSeed(seed, g -> canary.apply(Pipeline.standard().run(g)));
      Differential.Failure failure = differential.check(sample);
      if (failure == null) {
        continue;
      }
      Sample small = smallest(differential, sample, failure);
      List<?> computed = small.graph().values().stream().filter(v -> !(v.op() instanceof Op.Source)).toList();
      assertThat(computed).as("ops of%n%s%nmade of%n%s", text(small), sample.graph()).hasSizeLessThanOrEqualTo(4);
      assertThat(differential.check(small)).isNotNull();
      assertThat(ofSeed(seed, Pipeline.standard()::run).check(small)).isNull();
      if (Boolean.getBoolean("show")) {
        System.out.println(canary + ": seed " + seed + ", " + sample.graph().values().size() + " values, shrunk to\n"
            + text(small));
      }
      return;
    }
    throw new AssertionError(canary + " was not found in " + CANARY_SEEDS + " graphs");
  }

  /// The comparison notices a wrong element.
  @Test
  void aPlantedErrorIsFound() {
    Sample sample = RandomGraphs.next(1);
    HostTensor right = Differential.reference(sample).firstEntry().getValue();
    HostTensor wrong = HostTensor.zeros(right.dtype(), right.shape());
    wrong.data().copyFrom(right.data());
    wrong.setDouble(wrong.elements() - 1, right.getDouble(right.elements() - 1) + 1);
    assertThat(Differential.difference(sample, right, wrong)).contains("element " + (right.elements() - 1));
    assertThat(Differential.difference(sample, right, right)).isNull();
  }
}
