package dev.deepstack.text.template;

/// A macro, a function, or a method of a value.
interface Callable {
  Object call(Arguments arguments);

  /// How it prints.
  default String name() {
    return "function";
  }

  /// One that prints as this name.
  record Named(String name, Callable body) implements Callable {
    @Override
    public Object call(Arguments arguments) {
      return body.call(arguments);
    }
  }
}
