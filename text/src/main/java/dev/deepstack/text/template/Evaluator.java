package dev.deepstack.text.template;

import dev.deepstack.text.template.Expr.CallArguments;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Works out expressions.
final class Evaluator {
  private final Budget budget;
  private final Operators operators;
  private final Lookup lookup;
  private final Tests tests;
  private final Filters filters;

  Evaluator(Budget budget) {
    this.budget = budget;
    operators = new Operators(budget);
    lookup = new Lookup(budget, operators);
    tests = new Tests(operators);
    filters = new Filters(budget, lookup, tests);
  }

  boolean test(Expr expression, Scope scope) {
    return Values.isTrue(value(expression, scope));
  }

  Object value(Expr expression, Scope scope) {
    budget.step();
    return switch (expression) {
      case Expr.Literal(var value) -> value;
      case Expr.Name(var word) -> {
        var found = scope.find(word);
        yield found != null ? found : new Undefined("'" + word + "'");
      }
      case Expr.ListOf(var items) -> values(items, scope);
      case Expr.TupleOf(var items) -> new Tuple(values(items, scope));
      case Expr.MapOf(var entries) -> {
        var map = new LinkedHashMap<Object, Object>();
        for (var entry : entries) {
          map.put(Values.key(value(entry.getKey(), scope)), value(entry.getValue(), scope));
        }
        yield map;
      }
      case Expr.Attribute(var of, var attribute) -> lookup.attribute(value(of, scope), attribute);
      case Expr.Item(var of, var key) -> lookup.item(value(of, scope), value(key, scope));
      case Expr.Slice(var of, var start, var stop, var step) -> operators.slice(
          value(of, scope), value(start, scope), value(stop, scope), value(step, scope));
      case Expr.Call(var function, var arguments) -> call(value(function, scope), arguments(arguments, scope));
      case Expr.Filter(var of, var filter, var arguments) ->
          filters.filter(filter, value(of, scope), arguments(arguments, scope));
      case Expr.Test(var of, var test, var arguments) ->
          tests.test(test, value(of, scope), arguments(arguments, scope));
      case Expr.Binary(var operator, var left, var right) ->
          operators.binary(operator, value(left, scope), value(right, scope));
      case Expr.Unary(var operator, var operand) -> unary(operator, operand, scope);
      case Expr.And(var left, var right) -> {
        var first = value(left, scope);
        yield Values.isTrue(first) ? value(right, scope) : first;
      }
      case Expr.Or(var left, var right) -> {
        var first = value(left, scope);
        yield Values.isTrue(first) ? first : value(right, scope);
      }
      case Expr.Compare(var first, var rest) -> compare(first, rest, scope);
      case Expr.Choice(var test, var then, var otherwise) -> value(test(test, scope) ? then : otherwise, scope);
    };
  }

  private List<Object> values(List<Expr> expressions, Scope scope) {
    budget.make(expressions.size());
    var values = new ArrayList<Object>(expressions.size());
    for (var expression : expressions) {
      values.add(value(expression, scope));
    }
    return values;
  }

  private Object unary(String operator, Expr operand, Scope scope) {
    return switch (operator) {
      case "not" -> !test(operand, scope);
      case "-" -> Operators.negated(value(operand, scope));
      default -> operators.binary("+", 0L, value(operand, scope));
    };
  }

  private Object compare(Expr first, List<Map.Entry<String, Expr>> rest, Scope scope) {
    var left = value(first, scope);
    for (var entry : rest) {
      var right = value(entry.getValue(), scope);
      if (!operators.compare(entry.getKey(), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  Object call(Object function, Arguments arguments) {
    if (function instanceof Callable callable) {
      return callable.call(arguments);
    }
    throw function instanceof Undefined undefined ? undefined.error()
        : new TemplateException(Values.kind(function) + " cannot be called");
  }

  Arguments arguments(CallArguments arguments, Scope scope) {
    if (arguments.equals(CallArguments.NONE)) {
      return Arguments.NONE;
    }
    var positional = values(arguments.positional(), scope);
    positional.addAll(Values.items(value(arguments.more(), scope), budget));
    var named = new LinkedHashMap<String, Object>();
    arguments.named().forEach((word, expression) -> named.put(word, value(expression, scope)));
    if (value(arguments.moreNamed(), scope) instanceof Map<?, ?> more) {
      Values.map(more).forEach((key, value) -> named.put(Spelling.text(key, budget), value));
    }
    return new Arguments(positional, named);
  }
}
