package dev.deepstack.text.template;

import dev.deepstack.text.template.Expr.CallArguments;
import dev.deepstack.text.template.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Parses expressions, each precedence level a method, loosest first.
final class ExpressionParser {
  private static final Expr NOTHING = new Expr.Literal(None.NONE);
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final TokenStream in;

  ExpressionParser(TokenStream in) {
    this.in = in;
  }

  Expr expression() {
    in.enter();
    try {
      return choice();
    } finally {
      in.leave();
    }
  }

  /// One expression, or several with commas between.
  Expr tuple() {
    return tuple(true);
  }

  /// The same where an `if` that follows is not part of it.
  Expr tupleBeforeIf() {
    return tuple(false);
  }

  private Expr tuple(boolean choices) {
    var first = choices ? expression() : or();
    if (!in.current().isOperator(",")) {
      return first;
    }
    var items = new ArrayList<>(List.of(first));
    while (in.skipOperator(",") && startsExpression()) {
      items.add(choices ? expression() : or());
    }
    return new Expr.TupleOf(items);
  }

  private boolean startsExpression() {
    var token = in.current();
    return switch (token.kind()) {
      case NAME -> !token.isName("in") && !token.isName("recursive");
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> Set.of("(", "[", "{", "-", "+").contains(token.text());
      default -> false;
    };
  }

  private Expr choice() {
    var value = or();
    while (in.skipName("if")) {
      var test = or();
      value = new Expr.Choice(test, value, in.skipName("else") ? expression() : new Expr.Literal(
          new Undefined("the value of an inline if whose condition does not hold and that has no else")));
    }
    return value;
  }

  private Expr or() {
    var left = and();
    while (in.skipName("or")) {
      left = new Expr.Or(left, and());
    }
    return left;
  }

  private Expr and() {
    var left = not();
    while (in.skipName("and")) {
      left = new Expr.And(left, not());
    }
    return left;
  }

  private Expr not() {
    if (in.current().isName("not")) {
      in.enter();
      in.next();
      var negated = new Expr.Unary("not", not());
      in.leave();
      return negated;
    }
    return comparison();
  }

  private Expr comparison() {
    var first = sum();
    var rest = new ArrayList<Map.Entry<String, Expr>>();
    while (true) {
      var token = in.current();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        in.next();
        rest.add(Map.entry(token.text(), sum()));
      } else if (in.skipName("in")) {
        rest.add(Map.entry("in", sum()));
      } else if (token.isName("not") && in.look().isName("in")) {
        in.next();
        in.next();
        rest.add(Map.entry("not in", sum()));
      } else {
        return rest.isEmpty() ? first : new Expr.Compare(first, rest);
      }
    }
  }

  private Expr sum() {
    var left = concatenation();
    while (in.current().isOperator("+") || in.current().isOperator("-")) {
      left = new Expr.Binary(in.next().text(), left, concatenation());
    }
    return left;
  }

  private Expr concatenation() {
    var left = product();
    while (in.skipOperator("~")) {
      left = new Expr.Binary("~", left, product());
    }
    return left;
  }

  private Expr product() {
    var left = power();
    while (in.current().kind() == Kind.OPERATOR && Set.of("*", "/", "//", "%").contains(in.current().text())) {
      left = new Expr.Binary(in.next().text(), left, power());
    }
    return left;
  }

  private Expr power() {
    var left = unary(true);
    while (in.skipOperator("**")) {
      left = new Expr.Binary("**", left, unary(true));
    }
    return left;
  }

  private Expr unary(boolean withFilters) {
    Expr value;
    if (in.current().isOperator("-") || in.current().isOperator("+")) {
      in.enter();
      value = new Expr.Unary(in.next().text(), unary(false));
      in.leave();
    } else {
      value = postfix(primary());
    }
    return withFilters ? filters(value) : value;
  }

  private Expr primary() {
    var token = in.next();
    return switch (token.kind()) {
      case NAME -> switch (token.text()) {
        case "true", "True" -> new Expr.Literal(true);
        case "false", "False" -> new Expr.Literal(false);
        case "none", "None" -> NOTHING;
        default -> new Expr.Name(token.text());
      };
      case STRING -> {
        var text = new StringBuilder(token.text());
        while (in.current().kind() == Kind.STRING) {
          text.append(in.next().text());
        }
        yield new Expr.Literal(text.toString());
      }
      case INTEGER -> new Expr.Literal(integer(token.text()));
      case FLOAT -> new Expr.Literal(Double.parseDouble(token.text()));
      case OPERATOR -> bracketed(token);
      default -> throw in.broken("expected an expression, not " + token.shown());
    };
  }

  private static Object integer(String digits) {
    int radix = switch (digits.length() > 1 ? digits.charAt(1) : '0') {
      case 'x', 'X' -> 16;
      case 'b', 'B' -> 2;
      case 'o', 'O' -> 8;
      default -> 10;
    };
    return Values.whole(new BigInteger(radix == 10 ? digits : digits.substring(2), radix));
  }

  private Expr bracketed(Token open) {
    return switch (open.text()) {
      case "(" -> {
        if (in.skipOperator(")")) {
          yield new Expr.TupleOf(List.of());
        }
        var inside = tuple();
        in.expectOperator(")");
        yield inside;
      }
      case "[" -> {
        var items = new ArrayList<Expr>();
        while (!in.skipOperator("]")) {
          separate(!items.isEmpty(), "]");
          if (!in.current().isOperator("]")) {
            items.add(expression());
          }
        }
        yield new Expr.ListOf(items);
      }
      case "{" -> {
        var entries = new ArrayList<Map.Entry<Expr, Expr>>();
        while (!in.skipOperator("}")) {
          separate(!entries.isEmpty(), "}");
          if (!in.current().isOperator("}")) {
            var key = expression();
            in.expectOperator(":");
            entries.add(Map.entry(key, expression()));
          }
        }
        yield new Expr.MapOf(entries);
      }
      default -> throw in.broken("expected an expression, not " + open.shown());
    };
  }

  private void separate(boolean needed, String close) {
    if (needed && !in.skipOperator(",")) {
      throw in.broken("expected ',' or '%s', not %s".formatted(close, in.current().shown()));
    }
  }

  private Expr postfix(Expr of) {
    var value = of;
    while (true) {
      if (in.skipOperator(".")) {
        value = dotted(value);
      } else if (in.skipOperator("[")) {
        value = subscript(value);
      } else if (in.current().isOperator("(")) {
        value = new Expr.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expr dotted(Expr of) {
    if (in.current().kind() == Kind.INTEGER) {
      return new Expr.Item(of, new Expr.Literal(integer(in.next().text())));
    }
    return new Expr.Attribute(of, in.expect(Kind.NAME, "a name after '.'").text());
  }

  private Expr subscript(Expr of) {
    var start = in.current().isOperator(":") ? NOTHING : expression();
    if (in.skipOperator("]")) {
      return new Expr.Item(of, start);
    }
    if (in.current().isOperator(",")) {
      throw in.broken("several subscripts at once are not supported");
    }
    in.expectOperator(":");
    var stop = in.current().isOperator(":") || in.current().isOperator("]") ? NOTHING : expression();
    var step = in.skipOperator(":") && !in.current().isOperator("]") ? expression() : NOTHING;
    in.expectOperator("]");
    return new Expr.Slice(of, start, stop, step);
  }

  Expr filters(Expr of) {
    var value = of;
    while (true) {
      if (in.skipOperator("|")) {
        value = filter(value);
      } else if (in.skipName("is")) {
        value = test(value);
      } else if (in.current().isOperator("(")) {
        value = new Expr.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  /// A filter whose `|` has been read, and those after it.
  Expr filter(Expr value) {
    var name = dottedName("a filter");
    return new Expr.Filter(value, name, in.current().isOperator("(") ? arguments() : CallArguments.NONE);
  }

  private String dottedName(String what) {
    var name = new StringBuilder(in.expect(Kind.NAME, "the name of " + what).text());
    while (in.skipOperator(".")) {
      name.append('.').append(in.expect(Kind.NAME, "a name after '.'").text());
    }
    return name.toString();
  }

  private Expr test(Expr value) {
    boolean negated = in.skipName("not");
    var name = dottedName("a test");
    var arguments = CallArguments.NONE;
    var token = in.current();
    boolean keyword = token.isName("else") || token.isName("or") || token.isName("and") || token.isName("if")
        || token.isName("is") || token.isName("in") || token.isName("not");
    if (token.isOperator("(")) {
      arguments = arguments();
    } else if (token.kind() == Kind.STRING || token.kind() == Kind.INTEGER || token.kind() == Kind.FLOAT
        || token.isOperator("[") || token.isOperator("{") || (token.kind() == Kind.NAME && !keyword)) {
      arguments = new CallArguments(
          List.of(postfix(primary())), Map.of(), CallArguments.NONE.more(), CallArguments.NONE.moreNamed());
    }
    var test = new Expr.Test(value, name, arguments);
    return negated ? new Expr.Unary("not", test) : test;
  }

  CallArguments arguments() {
    in.expectOperator("(");
    var positional = new ArrayList<Expr>();
    var named = new LinkedHashMap<String, Expr>();
    var more = CallArguments.NONE.more();
    var moreNamed = CallArguments.NONE.moreNamed();
    for (boolean first = true; !in.skipOperator(")"); first = false) {
      separate(!first, ")");
      if (in.skipOperator(")")) {
        break;
      }
      if (in.skipOperator("**")) {
        moreNamed = expression();
      } else if (in.skipOperator("*")) {
        more = expression();
      } else if (in.current().kind() == Kind.NAME && in.look().isOperator("=")) {
        var name = in.next().text();
        in.next();
        named.put(name, expression());
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw in.broken("an argument without a name comes after one with a name");
      }
    }
    return new CallArguments(positional, named, more, moreNamed);
  }
}
