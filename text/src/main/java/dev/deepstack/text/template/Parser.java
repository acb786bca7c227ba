package dev.deepstack.text.template;

import dev.deepstack.text.template.Node.MacroDefinition;
import dev.deepstack.text.template.Node.Target;
import dev.deepstack.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Parses a whole template.
final class Parser {
  private final TokenStream in;
  private final ExpressionParser expressions;
  private int loops;

  private Parser(TokenStream in) {
    this.in = in;
    this.expressions = new ExpressionParser(in);
  }

  static List<Node> parse(String name, String source) {
    var parser = new Parser(new TokenStream(name, Lexer.tokens(name, source)));
    var nodes = parser.nodes(Set.of());
    if (parser.in.current().kind() != Kind.END) {
      throw parser.in.broken("there is " + parser.in.current().shown() + " where nothing is open");
    }
    return nodes;
  }

  /// Statements up to a block whose name is one of `ends`; the stream then stands at that name.
  private List<Node> nodes(Set<String> ends) {
    in.enter();
    var nodes = new ArrayList<Node>();
    while (in.current().kind() != Kind.END) {
      var token = in.next();
      switch (token.kind()) {
        case DATA -> nodes.add(new Node.Data(token.text()));
        case PRINT_BEGIN -> {
          nodes.add(new Node.Placed(new Node.Print(expressions.tuple()), token.line()));
          in.expect(Kind.PRINT_END, "'}}'");
        }
        case BLOCK_BEGIN -> {
          if (in.current().kind() == Kind.NAME && ends.contains(in.current().text())) {
            in.leave();
            return nodes;
          }
          nodes.add(new Node.Placed(statement(), token.line()));
        }
        default -> throw in.broken("there is an unexpected " + token.shown());
      }
    }
    if (!ends.isEmpty()) {
      throw in.broken("a block is not closed by " + String.join(" or ", ends.stream().sorted().toList()));
    }
    in.leave();
    return nodes;
  }

  private Node statement() {
    var name = in.expect(Kind.NAME, "the name of a statement").text();
    return switch (name) {
      case "if" -> branch();
      case "for" -> loop();
      case "set" -> set();
      case "macro" -> new Node.DefineMacro(macro());
      case "call" -> call();
      case "filter" -> {
        var filtered = expressions.filters(expressions.filter(new Expr.Name(Node.CAPTURED)));
        yield new Node.FilterBlock(body("endfilter"), filtered);
      }
      case "generation" -> new Node.Scoped(List.of(), body("endgeneration"));
      case "with" -> with();
      case "break", "continue" -> {
        if (loops == 0) {
          throw in.broken("'" + name + "' is outside of a loop");
        }
        blockEnd();
        yield name.equals("break") ? new Node.Break() : new Node.Continue();
      }
      default -> throw in.broken("the statement '" + name + "' is not supported");
    };
  }

  private void blockEnd() {
    in.expect(Kind.BLOCK_END, "'%}'");
  }

  /// The end of a block's head, its body, and its closing block.
  private List<Node> body(String end) {
    blockEnd();
    var body = nodes(Set.of(end));
    in.next();
    blockEnd();
    return body;
  }

  private Node branch() {
    var test = expressions.tupleBeforeIf();
    blockEnd();
    var then = nodes(Set.of("elif", "else", "endif"));
    var word = in.next().text();
    if (word.equals("elif")) {
      in.enter();
      var nested = branch();
      in.leave();
      return new Node.If(test, then, List.of(nested));
    }
    if (word.equals("else")) {
      return new Node.If(test, then, body("endif"));
    }
    blockEnd();
    return new Node.If(test, then, List.of());
  }

  private Node loop() {
    var target = target();
    if (!in.skipName("in")) {
      throw in.broken("expected 'in', not " + in.current().shown());
    }
    var items = expressions.tupleBeforeIf();
    var filter = in.skipName("if") ? expressions.expression() : new Expr.Literal(true);
    boolean recursive = in.skipName("recursive");
    blockEnd();
    loops++;
    var body = nodes(Set.of("else", "endfor"));
    loops--;
    var otherwise = List.<Node>of();
    if (in.next().isName("else")) {
      otherwise = body("endfor");
    } else {
      blockEnd();
    }
    return new Node.For(target, items, filter, body, otherwise, recursive);
  }

  private Target target() {
    var first = oneTarget();
    if (!in.current().isOperator(",")) {
      return first;
    }
    var targets = new ArrayList<>(List.of(first));
    while (in.skipOperator(",") && !in.current().isName("in") && !in.current().isOperator("=")) {
      targets.add(oneTarget());
    }
    return new Target.Several(targets);
  }

  private Target oneTarget() {
    if (in.skipOperator("(")) {
      var inner = target();
      in.expectOperator(")");
      return inner;
    }
    var name = in.expect(Kind.NAME, "a name to assign to").text();
    if (in.skipOperator(".")) {
      return new Target.Attribute(name, in.expect(Kind.NAME, "a name after '.'").text());
    }
    if (Set.of("true", "false", "none", "True", "False", "None").contains(name)) {
      throw in.broken("'" + name + "' cannot be assigned to");
    }
    return new Target.Name(name);
  }

  private Node set() {
    var target = target();
    if (in.skipOperator("=")) {
      var value = expressions.tuple();
      blockEnd();
      return new Node.Set(target, value);
    }
    Expr filtered = new Expr.Name(Node.CAPTURED);
    if (in.skipOperator("|")) {
      filtered = expressions.filters(expressions.filter(filtered));
    }
    return new Node.SetBlock(target, body("endset"), filtered);
  }

  private MacroDefinition macro() {
    var name = in.expect(Kind.NAME, "the name of a macro").text();
    var parameters = new ArrayList<String>();
    var defaults = new ArrayList<Expr>();
    in.expectOperator("(");
    signature(parameters, defaults);
    return new MacroDefinition(name, parameters, defaults, macroNodes("endmacro"));
  }

  /// A loop around a macro is not a loop inside it.
  private List<Node> macroNodes(String end) {
    int outer = loops;
    loops = 0;
    var body = body(end);
    loops = outer;
    return body;
  }

  private void signature(List<String> parameters, List<Expr> defaults) {
    while (!in.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        in.expectOperator(",");
        if (in.skipOperator(")")) {
          return;
        }
      }
      parameters.add(in.expect(Kind.NAME, "the name of a parameter").text());
      if (in.skipOperator("=")) {
        defaults.add(expressions.expression());
      } else if (!defaults.isEmpty()) {
        throw in.broken("a parameter without a default comes after one with a default");
      }
    }
  }

  private Node call() {
    var parameters = new ArrayList<String>();
    var defaults = new ArrayList<Expr>();
    if (in.skipOperator("(")) {
      signature(parameters, defaults);
    }
    if (!(expressions.expression() instanceof Expr.Call call)) {
      throw in.broken("a call block needs a call");
    }
    return new Node.CallBlock(new MacroDefinition("caller", parameters, defaults, macroNodes("endcall")), call);
  }

  private Node with() {
    var names = new ArrayList<Node.Set>();
    while (in.current().kind() != Kind.BLOCK_END) {
      if (!names.isEmpty()) {
        in.expectOperator(",");
      }
      var target = oneTarget();
      in.expectOperator("=");
      names.add(new Node.Set(target, expressions.expression()));
    }
    return new Node.Scoped(names, body("endwith"));
  }
}
