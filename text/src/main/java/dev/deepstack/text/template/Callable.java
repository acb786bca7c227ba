package dev.deepstack.text.template;

/// A macro, a function, or a method of a value.
interface Callable {
  Object call(Arguments arguments);

  /// How it prints.
  default String name() {
    return "function";
  }
}
