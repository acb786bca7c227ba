package dev.deepstack.text.template;

import java.util.List;
import java.util.Map;

/// An expression of a template.
sealed interface Expr {
  record Literal(Object value) implements Expr {}

  record Name(String name) implements Expr {}

  record ListOf(List<Expr> items) implements Expr {}

  record TupleOf(List<Expr> items) implements Expr {}

  record MapOf(List<Map.Entry<Expr, Expr>> entries) implements Expr {}

  /// `of.name`
  record Attribute(Expr of, String name) implements Expr {}

  /// `of[key]`
  record Item(Expr of, Expr key) implements Expr {}

  /// `of[start:stop:step]`; a bound that is not there is [None#NONE].
  record Slice(Expr of, Expr start, Expr stop, Expr step) implements Expr {}

  record Call(Expr function, CallArguments arguments) implements Expr {}

  /// `value|name(arguments)`
  record Filter(Expr value, String name, CallArguments arguments) implements Expr {}

  /// `value is name(arguments)`
  record Test(Expr value, String name, CallArguments arguments) implements Expr {}

  /// One of `+ - * / // % ** ~`.
  record Binary(String operator, Expr left, Expr right) implements Expr {}

  /// One of `- + not`.
  record Unary(String operator, Expr operand) implements Expr {}

  record And(Expr left, Expr right) implements Expr {}

  record Or(Expr left, Expr right) implements Expr {}

  /// `first < a <= b`: each operator with its right side.
  record Compare(Expr first, List<Map.Entry<String, Expr>> rest) implements Expr {}

  /// `then if test else otherwise`
  record Choice(Expr test, Expr then, Expr otherwise) implements Expr {}

  /// What stands between the parentheses of a call. A `*` or `**` that is not there is an empty literal.
  record CallArguments(List<Expr> positional, Map<String, Expr> named, Expr more, Expr moreNamed) {
    static final CallArguments NONE =
        new CallArguments(List.of(), Map.of(), new Literal(List.of()), new Literal(Map.of()));
  }
}
