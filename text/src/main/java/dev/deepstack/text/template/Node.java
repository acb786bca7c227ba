package dev.deepstack.text.template;

import java.util.List;

/// A statement of a template.
sealed interface Node {
  /// A statement and where it is.
  record Placed(Node node, int line) implements Node {}

  record Data(String text) implements Node {}

  record Print(Expr value) implements Node {}

  record If(Expr test, List<Node> then, List<Node> otherwise) implements Node {}

  /// @param filter only the items for which this holds
  record For(
      Target target, Expr items, Expr filter, List<Node> body, List<Node> otherwise, boolean recursive)
      implements Node {}

  record Set(Target target, Expr value) implements Node {}

  /// `{% set x | filter %}…{% endset %}`: the filters apply to [#CAPTURED].
  record SetBlock(Target target, List<Node> body, Expr filtered) implements Node {}

  /// `{% filter f %}…{% endfilter %}`
  record FilterBlock(List<Node> body, Expr filtered) implements Node {}

  record DefineMacro(MacroDefinition definition) implements Node {}

  /// `{% call(x) f() %}…{% endcall %}`
  record CallBlock(MacroDefinition caller, Expr.Call call) implements Node {}

  /// A body with names of its own: `{% generation %}`, `{% with %}`.
  record Scoped(List<Set> names, List<Node> body) implements Node {}

  record Break() implements Node {}

  record Continue() implements Node {}

  /// A macro's parameters; the last ones have defaults.
  record MacroDefinition(String name, List<String> parameters, List<Expr> defaults, List<Node> body) {}

  /// What is assigned to.
  sealed interface Target {
    record Name(String name) implements Target {}

    record Attribute(String namespace, String name) implements Target {}

    record Several(List<Target> targets) implements Target {}
  }

  /// The name that holds a block's text while its filters run. No template can spell it.
  String CAPTURED = "%captured";
}
