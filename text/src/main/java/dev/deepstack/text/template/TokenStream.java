package dev.deepstack.text.template;

import dev.deepstack.text.template.Token.Kind;
import java.util.List;

/// The tokens of a template while they are parsed.
final class TokenStream {
  private static final int MAX_DEPTH = 200;

  private final String name;
  private final List<Token> tokens;
  private int at;
  private int depth;

  TokenStream(String name, List<Token> tokens) {
    this.name = name;
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(at);
  }

  Token look() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  Token next() {
    var token = current();
    if (token.kind() != Kind.END) {
      at++;
    }
    return token;
  }

  boolean skipIf(Kind kind, String text) {
    boolean found = current().is(kind, text);
    if (found) {
      next();
    }
    return found;
  }

  boolean skipOperator(String operator) {
    return skipIf(Kind.OPERATOR, operator);
  }

  boolean skipName(String word) {
    return skipIf(Kind.NAME, word);
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw broken("expected '%s', not %s".formatted(operator, current().shown()));
    }
  }

  Token expect(Kind kind, String what) {
    if (current().kind() != kind) {
      throw broken("expected %s, not %s".formatted(what, current().shown()));
    }
    return next();
  }

  TemplateException broken(String problem) {
    return new TemplateException("%s line %d: %s".formatted(name, current().line(), problem));
  }

  /// Counts a level of nesting; [#leave] ends it.
  void enter() {
    if (++depth > MAX_DEPTH) {
      throw broken("it is nested deeper than " + MAX_DEPTH);
    }
  }

  void leave() {
    depth--;
  }
}
