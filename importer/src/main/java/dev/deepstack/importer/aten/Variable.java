package dev.deepstack.importer.aten;

import dev.deepstack.ir.Value;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A tensor of the program as Python sees it: a storage of its own, or a view of another variable.
///
/// The graph has no writes, so a write makes a new value: of the root, through the chain of views. Views
/// notice by the root's version that they must be read anew.
final class Variable {
  private final @Nullable Variable base;
  private final @Nullable ViewStep step;
  private final Variable root;
  private final @Nullable Supplier<Value> source;
  private @Nullable Value value;
  private int version;

  private Variable(@Nullable Variable base, @Nullable ViewStep step, @Nullable Supplier<Value> source) {
    this.base = base;
    this.step = step;
    this.source = source;
    this.root = base == null ? this : base.root;
    this.version = base == null ? 0 : -1;
  }

  /// A new storage that holds `value`.
  static Variable of(Value value) {
    var variable = new Variable(null, null, null);
    variable.value = value;
    return variable;
  }

  /// A storage whose first value is made when something reads it.
  static Variable lazily(Supplier<Value> source) {
    return new Variable(null, null, source);
  }

  Variable view(ViewStep through) {
    return new Variable(this, through, null);
  }

  Value read(Emit e) {
    Value known = value;
    if (base == null) {
      if (known == null) {
        known = java.util.Objects.requireNonNull(source).get();
        value = known;
      }
      return known;
    }
    if (known == null || version != root.version) {
      known = java.util.Objects.requireNonNull(step).apply(e, base.read(e));
      value = known;
      version = root.version;
    }
    return known;
  }

  void write(Emit e, Value written) {
    if (base == null) {
      version++;
    } else {
      base.write(e, java.util.Objects.requireNonNull(step).put(e, base.read(e), written));
      version = root.version;
    }
    value = written;
  }

  /// Whether anything was written into the storage.
  boolean isWritten() {
    return root.version > 0;
  }
}
