package dev.deepstack.text.template;

/// A token of a template.
///
/// @param text the name, the operator, or the value of a literal
record Token(Kind kind, String text, int line) {
  enum Kind {
    DATA, BLOCK_BEGIN, BLOCK_END, PRINT_BEGIN, PRINT_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END
  }

  boolean is(Kind otherKind, String otherText) {
    return kind == otherKind && text.equals(otherText);
  }

  boolean isOperator(String operator) {
    return is(Kind.OPERATOR, operator);
  }

  boolean isName(String name) {
    return is(Kind.NAME, name);
  }

  /// How messages call it.
  String shown() {
    return switch (kind) {
      case DATA -> "text";
      case BLOCK_BEGIN -> "'{%'";
      case BLOCK_END -> "'%}'";
      case PRINT_BEGIN -> "'{{'";
      case PRINT_END -> "'}}'";
      case END -> "the end of the template";
      case STRING -> "a string";
      case NAME, INTEGER, FLOAT, OPERATOR -> "'" + text + "'";
    };
  }
}
