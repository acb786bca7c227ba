package dev.deepstack.passes;

import dev.deepstack.ir.Graph;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Each rule where it fires and where it must not; the cases lie in `src/test/resources/rules`.
final class RulesTest {
  @TestFactory
  Stream<DynamicTest> arithmetic() {
    return new RuleCases("arithmetic", g -> pass("simplify", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> views() {
    return new RuleCases("views", g -> pass("simplify", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> activations() {
    return new RuleCases("activations", g -> pass("activations", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> linears() {
    return new RuleCases("linears", g -> pass("linear", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> norms() {
    return new RuleCases("norms", g -> pass("norms", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> ropes() {
    return new RuleCases("ropes", g -> pass("rope", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> attentions() {
    return new RuleCases("attentions", g -> Pipeline.standard().run(g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> latents() {
    return new RuleCases("latents", g -> pass("absorb latent", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> gatedMlps() {
    return new RuleCases("gated_mlps", g -> upTo("gated mlp", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> experts() {
    return new RuleCases("experts", g -> Pipeline.standard().run(g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> mergedLinears() {
    return new RuleCases("merged_linears", g -> pass("merge linear", g)).tests();
  }

  @TestFactory
  Stream<DynamicTest> bf16Activations() {
    return new RuleCases("bf16_activations", Bf16Activations::run).tests();
  }

  /// The standard passes in order, the named one last.
  private static Graph upTo(String name, Graph graph) {
    List<Pass> passes = Pipeline.standard().passes();
    List<String> names = passes.stream().map(Pass::name).toList();
    return new Pipeline(passes.subList(0, names.indexOf(name) + 1)).run(graph);
  }

  private static Graph pass(String name, Graph graph) {
    return Pipeline.standard().passes().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow()
        .rewrite().apply(graph);
  }
}
