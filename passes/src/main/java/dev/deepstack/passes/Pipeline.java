package dev.deepstack.passes;

import dev.deepstack.ir.Body;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Verifier;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/// Passes in order. Each one's result is verified before the next one sees it.
public record Pipeline(List<Pass> passes) {
  private static final String INT8 = "8-bit activations";

  public Pipeline {
    passes = List.copyOf(passes);
  }

  /// What every target wants: fewer ops, and the shapes of the field as composites.
  public static Pipeline standard() {
    Rule[] none = {};
    return new Pipeline(List.of(
        pass("simplify", none),
        channelsLast(),
        pass("activations", Activations::apply),
        pass("linear", Linears::apply),
        pass("norms", Norms::apply),
        pass("routed linear", RoutedLinears::apply, DenseExperts::apply, SortedExperts::apply),
        pass("routed experts", Experts::apply),
        pass("rope", Ropes::apply),
        pass("attention", Attentions::apply),
        pass("absorb latent", AbsorbLatent::apply),
        pass("gated mlp", GatedMlps::apply),
        new Pass("merge linear", MergeLinears::run),
        new Pass(INT8, Int8Activations::run),
        pass("simplify again", none)));
  }

  /// What generation uses: as [#standard], and with activations in bf16 where weights are.
  public static Pipeline generation() {
    var passes = new ArrayList<>(standard().passes);
    passes.addLast(new Pass("bf16 activations", Bf16Activations::run));
    return new Pipeline(passes);
  }

  /// As [#standard], but with activations in f32 also where weights are stored in blocks: slower, and as near to the
  /// numbers that a graph means as f32 comes.
  public static Pipeline exact() {
    return new Pipeline(standard().passes.stream().filter(p -> !p.name().equals(INT8)).toList());
  }

  private static Pass channelsLast() {
    Pass pass = pass("channels last", ChannelsLast::apply);
    return new Pass(pass.name(), graph -> ChannelsLast.run(graph, pass.rewrite()));
  }

  /// Recognition works on simple graphs, so every pass simplifies what it leaves.
  private static Pass pass(String name, Rule... rules) {
    var all = new Rule[rules.length + 3];
    all[0] = Simplify::apply;
    all[1] = SimplifyViews::apply;
    all[2] = Elementwise::apply;
    System.arraycopy(rules, 0, all, 3, rules.length);
    return Pass.of(name, all);
  }

  /// The graph after all passes.
  ///
  /// @throws dev.deepstack.ir.IrException when a pass breaks the graph
  public Graph run(Graph graph) {
    return run(graph, (_, _) -> {});
  }

  /// Bodies of loops go first, and by themselves.
  private static Graph apply(Pass pass, Graph graph) {
    return pass.rewrite().apply(Body.map(graph, body -> body.with(apply(pass, body.graph()))));
  }

  /// As [#run(Graph)]; `trace` sees the name of each pass and the graph it made.
  public Graph run(Graph graph, BiConsumer<String, Graph> trace) {
    Graph at = graph;
    for (Pass pass : passes) {
      at = apply(pass, at);
      Verifier.verify(at);
      trace.accept(pass.name(), at);
    }
    return at;
  }
}
