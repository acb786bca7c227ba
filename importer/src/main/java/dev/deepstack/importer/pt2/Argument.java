package dev.deepstack.importer.pt2;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// What a node, a graph input or a graph output refers to: one record per tag of the file's union.
///
/// Names refer to values of the same graph. A tag this reader does not know is an [UnknownArg], so that a
/// file is refused only where the lowering actually needs it. A symbolic tag that holds a literal is read as
/// the literal.
public sealed interface Argument {
  /// An integer: literal or the name of a symbolic integer value.
  sealed interface IntLike extends Argument permits IntArg, SymIntArg {}

  /// A float: literal or the name of a symbolic float value.
  sealed interface FloatLike extends Argument permits FloatArg, SymFloatArg {}

  /// A boolean: literal or the name of a symbolic boolean value.
  sealed interface BoolLike extends Argument permits BoolArg, SymBoolArg {}

  /// A tensor or a gap (`index` takes a list with gaps).
  sealed interface TensorLike extends Argument permits TensorArg, NoneArg {}

  /// Python's `None`.
  record NoneArg() implements TensorLike {}

  /// One tensor value by name.
  record TensorArg(String name) implements TensorLike {}

  /// A list of tensor values. Sub-graph operators also write an empty list of anything this way.
  record TensorsArg(List<String> names) implements Argument {
    public TensorsArg {
      names = List.copyOf(names);
    }
  }

  /// A list of tensors with gaps.
  record OptionalTensorsArg(List<TensorLike> items) implements Argument {
    public OptionalTensorsArg {
      items = List.copyOf(items);
    }
  }

  /// A list of lists of tensors.
  record NestedTensorsArg(List<List<String>> names) implements Argument {
    public NestedTensorsArg {
      names = names.stream().map(List::copyOf).toList();
    }
  }

  /// A literal integer.
  record IntArg(long value) implements IntLike {}

  /// A list of literal integers.
  record IntsArg(List<Long> values) implements Argument {
    public IntsArg {
      values = List.copyOf(values);
    }
  }

  /// A list of lists of integers.
  record IntListsArg(List<List<Long>> values) implements Argument {
    public IntListsArg {
      values = values.stream().map(List::copyOf).toList();
    }
  }

  /// A literal float; infinities and NaN occur.
  record FloatArg(double value) implements FloatLike {}

  /// A list of literal floats.
  record FloatsArg(List<Double> values) implements Argument {
    public FloatsArg {
      values = List.copyOf(values);
    }
  }

  /// A list of lists of floats.
  record FloatListsArg(List<List<Double>> values) implements Argument {
    public FloatListsArg {
      values = values.stream().map(List::copyOf).toList();
    }
  }

  /// A literal boolean.
  record BoolArg(boolean value) implements BoolLike {}

  /// A list of literal booleans.
  record BoolsArg(List<Boolean> values) implements Argument {
    public BoolsArg {
      values = List.copyOf(values);
    }
  }

  /// A string: a rounding mode, an equation of `einsum`, a device.
  record StringArg(String value) implements Argument {}

  /// A list of strings.
  record StringsArg(List<String> values) implements Argument {
    public StringsArg {
      values = List.copyOf(values);
    }
  }

  /// A symbolic integer by name: a key of [GraphModel#symIntValues].
  record SymIntArg(String name) implements IntLike {}

  /// A list in which at least one integer is symbolic.
  record SymIntsArg(List<IntLike> values) implements Argument {
    public SymIntsArg {
      values = List.copyOf(values);
    }
  }

  /// A symbolic float by name: a key of [GraphModel#symFloatValues].
  record SymFloatArg(String name) implements FloatLike {}

  /// A list in which at least one float is symbolic.
  record SymFloatsArg(List<FloatLike> values) implements Argument {
    public SymFloatsArg {
      values = List.copyOf(values);
    }
  }

  /// A symbolic boolean by name: a key of [GraphModel#symBoolValues].
  record SymBoolArg(String name) implements BoolLike {}

  /// A list in which at least one boolean is symbolic.
  record SymBoolsArg(List<BoolLike> values) implements Argument {
    public SymBoolsArg {
      values = List.copyOf(values);
    }
  }

  /// An element type.
  record ScalarTypeArg(ScalarType type) implements Argument {}

  /// A tensor layout.
  record LayoutArg(Layout layout) implements Argument {}

  /// A memory format.
  record MemoryFormatArg(MemoryFormat format) implements Argument {}

  /// The device baked in at export: a placement hint. `index` is null where the file gives none.
  record DeviceArg(String type, @Nullable Integer index) implements Argument {}

  /// A sub-graph, inlined; its value names are local to it.
  record GraphArg(String name, GraphModel graph) implements Argument {}

  /// A complex literal.
  record ComplexArg(double real, double imaginary) implements Argument {}

  /// A script object by name, never loaded.
  record CustomObjArg(String name, String className) implements Argument {}

  /// An operator passed as a value.
  record OperatorArg(String target) implements Argument {}

  /// String keys to arguments.
  record MapArg(SequencedMap<String, Argument> entries) implements Argument {
    public MapArg {
      entries = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(entries));
    }
  }

  /// A tag, or a number within a known tag, that this reader does not know. Refuse it when it is reached.
  record UnknownArg(String tag) implements Argument {}

  /// How elements are stored. Only [Layout#STRIDED] is dense.
  enum Layout {
    SPARSE_COO,
    SPARSE_CSR,
    SPARSE_CSC,
    SPARSE_BSR,
    SPARSE_BSC,
    MKLDNN,
    STRIDED
  }

  /// The order of dimensions in memory that an operator was asked for.
  enum MemoryFormat {
    CONTIGUOUS,
    CHANNELS_LAST,
    CHANNELS_LAST_3D,
    PRESERVE
  }

  /// The names of all values this argument reads in its own graph (those inside a sub-graph are not
  /// included).
  default List<String> valueNames() {
    return switch (this) {
      case TensorArg(var name) -> List.of(name);
      case SymIntArg(var name) -> List.of(name);
      case SymFloatArg(var name) -> List.of(name);
      case SymBoolArg(var name) -> List.of(name);
      case CustomObjArg(var name, _) -> List.of(name);
      case TensorsArg(var names) -> names;
      case NestedTensorsArg(var lists) -> lists.stream().flatMap(List::stream).toList();
      case OptionalTensorsArg(var items) -> namesOf(items);
      case SymIntsArg(var items) -> namesOf(items);
      case SymFloatsArg(var items) -> namesOf(items);
      case SymBoolsArg(var items) -> namesOf(items);
      case MapArg(var entries) -> namesOf(entries.sequencedValues());
      case NoneArg _, IntArg _, IntsArg _, IntListsArg _, FloatArg _, FloatsArg _, FloatListsArg _, BoolArg _,
          BoolsArg _, StringArg _, StringsArg _, ScalarTypeArg _, LayoutArg _, MemoryFormatArg _, DeviceArg _,
          GraphArg _, ComplexArg _, OperatorArg _, UnknownArg _ -> List.of();
    };
  }

  private static List<String> namesOf(Iterable<? extends Argument> items) {
    var names = new ArrayList<String>();
    for (var item : items) {
      names.addAll(item.valueNames());
    }
    return names;
  }
}
