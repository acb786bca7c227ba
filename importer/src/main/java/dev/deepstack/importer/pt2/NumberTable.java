package dev.deepstack.importer.pt2;

import org.jspecify.annotations.Nullable;

/// A numbered enum of the file format: the constant of a number, or null.
@FunctionalInterface
interface NumberTable<E> {
  @Nullable E of(long number);

  static Argument.@Nullable Layout layout(long number) {
    return inOrder(number, Argument.Layout.values());
  }

  static Argument.@Nullable MemoryFormat memoryFormat(long number) {
    return inOrder(number, Argument.MemoryFormat.values());
  }

  /// Constants numbered from one in the order they are declared.
  private static <E> @Nullable E inOrder(long number, E[] constants) {
    return number >= 1 && number <= constants.length ? constants[(int) number - 1] : null;
  }
}
