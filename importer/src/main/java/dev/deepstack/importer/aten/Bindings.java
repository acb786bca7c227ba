package dev.deepstack.importer.aten;

import dev.deepstack.importer.pt2.Pt2Model;
import dev.deepstack.importer.pt2.Signature.InputSpec;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The stored tensors of a program as variables. Names that stand for one tensor share one variable, so that
/// a write through either is seen by both.
final class Bindings {
  /// One tensor of the file under all its names.
  private record Stored(String name, StridedTensor tensor, Variable variable) {
    boolean isSame(StridedTensor other) {
      return sharesStorage(other) && tensor.dtype() == other.dtype() && tensor.offset() == other.offset()
          && Arrays.equals(tensor.shape(), other.shape()) && Arrays.equals(tensor.strides(), other.strides());
    }

    boolean sharesStorage(StridedTensor other) {
      return tensor.elements() > 0 && tensor.storage().equals(other.storage());
    }
  }

  private final Emit e;
  private final Set<String> mutable;
  private final List<Stored> stored = new ArrayList<>();
  private final Map<MemorySegment, List<Stored>> byStorage = new HashMap<>();
  private final SequencedMap<String, String> names = new LinkedHashMap<>();

  /// @param mutable graph names of the tensors that the program changes
  Bindings(Emit e, Set<String> mutable) {
    this.e = e;
    this.mutable = mutable;
  }

  /// The variable of a stored tensor.
  Variable bind(InputSpec spec, String name, StridedTensor tensor) {
    List<Stored> neighbours = byStorage.computeIfAbsent(tensor.storage(), _ -> new ArrayList<>());
    for (Stored s : neighbours) {
      if (s.isSame(tensor)) {
        names.put(name, s.name());
        return s.variable();
      }
    }
    TensorType type = tensor.type();
    boolean scalar = spec instanceof InputSpec.TensorConstant && type.rank() == 0;
    var variable = Variable.lazily(() -> {
      if (mutable.contains(name)) {
        return e.graph().state(name, type);
      }
      Value constant = scalar ? literal(tensor) : null;
      return constant == null ? e.graph().weight(name, type) : constant;
    });
    var added = new Stored(name, tensor, variable);
    stored.add(added);
    neighbours.add(added);
    names.put(name, name);
    return variable;
  }

  /// A lifted scalar as a constant, where a double holds it.
  private @Nullable Value literal(StridedTensor tensor) {
    try (var arena = Arena.ofConfined()) {
      HostTensor one = tensor.contiguous(arena);
      double value = one.getDouble(0);
      boolean exact = tensor.dtype().isFloat() || (long) value == one.getLong(0) && Math.abs(value) < 0x1p53;
      return exact ? e.of(new Op.Constant(value, tensor.dtype())) : null;
    }
  }

  SequencedMap<String, String> names() {
    return names;
  }

  /// Graph names of the tensors that were written.
  List<String> written() {
    return stored.stream().filter(s -> s.variable().isWritten()).map(Stored::name).toList();
  }

  /// Declares a state that the graph may not read.
  void declare(String graphName) {
    stored.stream().filter(s -> mutable.contains(graphName) && s.name().equals(graphName))
        .forEach(s -> e.graph().state(graphName, s.tensor().type()));
  }

  /// The value of a tensor at the end.
  Value value(String graphName) {
    Stored tensor = stored.stream().filter(s -> s.name().equals(graphName)).findFirst().orElseThrow();
    return tensor.variable().read(e);
  }

  /// Notes tensors that share storage with a changed one without being the same: that would need views of
  /// storage.
  void checkOverlaps(Missing missing) {
    for (Stored changed : stored) {
      for (Stored other : stored) {
        boolean overlaps = mutable.contains(changed.name()) && !changed.name().equals(other.name())
            && other.sharesStorage(changed.tensor()) && overlaps(changed.tensor(), other.tensor());
        if (overlaps) {
          missing.effect("a write to \"" + changed.name() + "\", which shares memory with \"" + other.name()
              + "\"");
        }
      }
    }
  }

  private static boolean overlaps(StridedTensor a, StridedTensor b) {
    return a.offset() * a.dtype().bytes() < end(b) && b.offset() * b.dtype().bytes() < end(a);
  }

  private static long end(StridedTensor t) {
    long last = t.offset();
    for (int i = 0; i < t.shape().length; i++) {
      last += (t.shape()[i] - 1) * t.strides()[i];
    }
    return (last + 1) * t.dtype().bytes();
  }

  /// The stored tensors whose names the graph uses.
  SequencedMap<String, StridedTensor> tensors(Set<String> used) {
    var result = new LinkedHashMap<String, StridedTensor>();
    stored.stream().filter(s -> used.contains(s.name())).forEach(s -> result.put(s.name(), s.tensor()));
    return result;
  }
}
