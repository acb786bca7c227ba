package dev.deepstack.text.template;

import java.time.Clock;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;

/// A template, parsed once and rendered any number of times, by any number of threads.
///
/// It is Jinja as transformers sets it up for chat templates (`trim_blocks`, `lstrip_blocks`, `break` and
/// `continue`, the immutable sandbox, Python's `json.dumps` behind `tojson`), without what needs other files. A
/// template sees only what it is given, and a rendering that takes too many steps, makes too much text or nests
/// too deep ends with an error.
public final class Template {
  private final String name;
  private final List<Node> nodes;

  private Template(String name, List<Node> nodes) {
    this.name = name;
    this.nodes = nodes;
  }

  /// @param name what messages call the template
  /// @throws TemplateException if it is broken or uses a statement that is not supported
  public static Template parse(String name, String source) {
    try {
      return new Template(name, Parser.parse(name, source));
    } catch (StackOverflowError e) {
      throw new TemplateException(name + " is nested too deep", e);
    }
  }

  /// The text with these variables, which are plain data: `null`, booleans, numbers, strings, collections and
  /// maps of these.
  ///
  /// @throws TemplateException if the template fails or refuses the input by `raise_exception`
  public String render(Map<String, ?> variables) {
    return render(variables, Clock.system(ZoneId.systemDefault()));
  }

  /// The same at another time.
  public String render(Map<String, ?> variables, Clock clock) {
    return render(variables, clock, Budget.DEFAULT);
  }

  String render(Map<String, ?> variables, Clock clock, Budget.Limits limits) {
    var budget = new Budget(limits);
    var globals = new Scope(null);
    new Globals(budget, clock).define(globals);
    var scope = new Scope(globals);
    variables.forEach((variable, value) -> scope.set(variable, Values.of(value)));
    try {
      return new Interpreter(name, budget).run(nodes, new Scope(scope));
    } catch (StackOverflowError e) {
      throw new TemplateException(name + " is nested too deep", e);
    }
  }
}
