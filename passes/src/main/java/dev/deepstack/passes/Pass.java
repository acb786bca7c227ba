package dev.deepstack.passes;

import dev.deepstack.ir.Graph;
import java.util.List;
import java.util.function.UnaryOperator;

/// A named step from graph to graph that keeps the meaning and the signature.
///
/// @param name what traces and messages call it
/// @param rewrite makes a new graph; the old one stays as it is
public record Pass(String name, UnaryOperator<Graph> rewrite) {
  /// A pass that applies rules wherever they fit until none does.
  static Pass of(String name, Rule... rules) {
    return new Pass(name, graph -> Rewriter.rewrite(graph, List.of(rules)));
  }
}
