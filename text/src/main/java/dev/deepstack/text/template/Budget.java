package dev.deepstack.text.template;

/// What one rendering may spend: steps of the interpreter, characters and elements made, calls within calls.
final class Budget {
  /// @param steps statements and expressions evaluated
  /// @param size characters written, and characters and elements of values made on the way
  /// @param depth macros and loops within one another
  record Limits(long steps, long size, int depth) {}

  static final Limits DEFAULT = new Limits(20_000_000, 64 << 20, 60);

  private final Limits limits;
  private long steps;
  private long size;
  private int depth;

  Budget(Limits limits) {
    this.limits = limits;
  }

  void step() {
    if (++steps > limits.steps) {
      throw new TemplateException("the template takes more than %d steps".formatted(limits.steps));
    }
  }

  /// Accounts for characters or elements about to be made.
  void make(long amount) {
    steps += amount >> 4;
    size += amount;
    if (size > limits.size || amount < 0) {
      throw new TemplateException("the template makes more than %d characters".formatted(limits.size));
    }
  }

  String made(String text) {
    make(text.length());
    return text;
  }

  void enter() {
    if (++depth > limits.depth) {
      throw new TemplateException("the template nests calls deeper than %d".formatted(limits.depth));
    }
  }

  void leave() {
    depth--;
  }
}
