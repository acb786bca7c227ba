package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// The frame of one kernel's function while it is written: its buffers as parameters, the program's symbols, and index
/// arithmetic in both forms, symbolic ([Indexing]) and as instructions.
///
/// Parameters of every kernel: its buffers `b0, b1, …`, then `dims` (symbol values), `fault` (where an index out of
/// range is noted), `claims` (see [Claims]), `thread` and `threads`.
final class KernelCode {
  final Fn f;
  final Indexing indexing;
  final Map<Value, Operand> memory;
  final int lanes;
  private final Map<Integer, String> buffers = new HashMap<>();
  private final Map<String, String> bound = new HashMap<>();

  KernelCode(
      Fn f, Map<Value, Operand> memory, SequencedMap<String, DimRange> symbols, List<Integer> buffers) {
    this.f = f;
    this.memory = memory;
    indexing = new Indexing(symbols);
    lanes = f.module().lanes();
    for (int i = 0; i < buffers.size(); i++) {
      this.buffers.put(buffers.get(i), "%b" + i);
    }
    int at = 0;
    for (String symbol : symbols.keySet()) {
      bound.put(symbol, f.load("i64", f.at("%dims", "i64", at++)));
    }
  }

  String buffer(int id) {
    String name = buffers.get(id);
    if (name == null) {
      throw new IllegalStateException("buffer " + id + " is not a parameter of this kernel: " + buffers);
    }
    return name;
  }

  /// Gives a counter or opaque name its value.
  void bind(Dim name, String value) {
    bound.put(Indexing.name(name), value);
  }

  /// A new name for an i64 value that no index arithmetic sees into.
  Dim named(String value) {
    Dim name = indexing.opaque();
    bind(name, value);
    return name;
  }

  /// A dimension or index as an i64 value.
  String index(Dim dim) {
    return dim.terms().stream().map(this::term).reduce(f::add).orElse("0");
  }

  private String term(Dim.Term term) {
    return term.factors().stream().map(this::factor).reduce(f::mul)
        .map(product -> f.mul(product, term.coefficient()))
        .orElse(Long.toString(term.coefficient()));
  }

  private String factor(Dim.Factor factor) {
    return switch (factor) {
      case Dim.Symbol(String name) -> {
        String value = bound.get(name);
        if (value == null) {
          throw new IllegalStateException("no value for " + name);
        }
        yield value;
      }
      case Dim.Call(Dim.Function function, Dim left, Dim right) -> {
        String a = index(left);
        String b = index(right);
        // Indices and extents are never negative, so the unsigned instructions round as floordiv and mod do.
        yield switch (function) {
          case FLOORDIV -> f.binary("udiv", a, b);
          case MOD -> f.binary("urem", a, b);
          case MAX -> f.max(a, b);
          case MIN -> f.min(a, b);
        };
      }
    };
  }

  /// Address of the element at a flat index of an operand's buffer.
  String address(Operand operand, Dim flat) {
    return f.at(buffer(operand.buffer()), Registers.stored(operand.dtype()), index(flat));
  }

  /// Runs `body` for every value of a fresh counter.
  void loop(Dim extent, java.util.function.Consumer<Dim> body) {
    Dim counter = indexing.counter(extent);
    f.loop("0", index(extent), 1, i -> {
      bind(counter, i);
      body.accept(counter);
    });
  }

  /// The thread's share `[begin, end)` of `total` equal pieces.
  String[] share(String total) {
    return new String[] {Claims.part(f, total, "%thread"), Claims.part(f, total, f.add("%thread", 1))};
  }

  /// The values of counters whose loops were merged into one running number, innermost last.
  void unflatten(String number, List<Dim> counters) {
    String rest = number;
    for (int i = counters.size() - 1; i >= 0; i--) {
      Dim extent = java.util.Objects.requireNonNull(indexing.extent(Indexing.name(counters.get(i))));
      if (i == 0) {
        bind(counters.get(i), rest);
      } else {
        String e = index(extent);
        bind(counters.get(i), f.binary("urem", rest, e));
        rest = f.binary("udiv", rest, e);
      }
    }
  }

  /// An index value inside `[0, extent)`: values outside are noted and replaced, so that no access leaves its tensor.
  String checked(String index, Dim extent) {
    String bound = index(extent);
    String wide = f.cast("sext", index, "i64");
    f.when(f.icmp("uge", wide, bound), () -> f.store("i64 1", "%fault"));
    return f.max(f.min(wide, f.sub(bound, "1")), "0");
  }
}
