package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Index arithmetic over loop counters, done with [Dim]: a counter is a symbol `$n` that runs from 0 to its extent.
/// Divisions that a reshape brings in are simplified away wherever the counters' ranges allow it.
public final class Indexing {
  private final Map<String, Dim> extents = new HashMap<>();
  private final Map<String, DimRange> symbols;
  private int next;

  public Indexing(Map<String, DimRange> symbols) {
    this.symbols = symbols;
  }

  /// A fresh counter that runs over `extent`.
  public Dim counter(Dim extent) {
    String name = "$" + next++;
    extents.put(name, extent);
    return Dim.symbol(name);
  }

  /// A fresh name for a value computed at run time, about which nothing is known but that it is not negative.
  public Dim opaque() {
    return Dim.symbol("$" + next++);
  }

  public static String name(Dim counter) {
    return counter.symbols().first();
  }

  /// `floor(x / d)` for an index `x >= 0`.
  public Dim floorDiv(Dim x, Dim d) {
    if (d.is(1)) {
      return x;
    }
    Split split = split(x, d);
    if (isBelow(split.rest, d)) {
      return split.quotient;
    }
    return split.quotient.plus(split.rest.floorDiv(d));
  }

  /// `x mod d` for an index `x >= 0`.
  public Dim mod(Dim x, Dim d) {
    if (d.is(1)) {
      return Dim.ZERO;
    }
    Dim rest = split(x, d).rest;
    return isBelow(rest, d) ? rest : rest.mod(d);
  }

  private record Split(Dim quotient, Dim rest) {}

  private static Split split(Dim x, Dim d) {
    Dim quotient = Dim.ZERO;
    Dim rest = Dim.ZERO;
    for (Dim.Term t : x.terms()) {
      var term = new Dim(List.of(t));
      Dim exact = term.divideExactly(d);
      if (exact != null) {
        quotient = quotient.plus(exact);
      } else {
        rest = rest.plus(term);
      }
    }
    return new Split(quotient, rest);
  }

  /// Whether `0 <= x < d` certainly holds.
  boolean isBelow(Dim x, Dim d) {
    return isNonNegative(bound(x, false)) && isNonNegative(d.minus(1).minus(bound(x, true)));
  }

  /// A bound of `x` without counters: the largest value it takes, or the smallest.
  private Dim bound(Dim x, boolean upper) {
    Dim sum = Dim.ZERO;
    for (Dim.Term t : x.terms()) {
      boolean up = t.coefficient() > 0 == upper;
      Dim product = Dim.of(t.coefficient());
      for (Dim.Factor f : t.factors()) {
        product = product.times(switch (f) {
          case Dim.Symbol(String name) when extents.containsKey(name) ->
              up ? extents.get(name).minus(1) : Dim.ZERO;
          case Dim.Symbol s -> Dim.symbol(s.name());
          case Dim.Call(Dim.Function fn, Dim l, Dim r) -> switch (fn) {
            case MOD -> up ? r.minus(1) : Dim.ZERO;
            case FLOORDIV -> up ? bound(l, true).floorDiv(r) : Dim.ZERO;
            case MAX -> up ? bound(l, true).max(bound(r, true)) : bound(l, false);
            case MIN -> up ? bound(l, true) : bound(l, false).min(bound(r, false));
          };
        });
      }
      sum = sum.plus(product);
    }
    return sum;
  }

  /// Whether the polynomial has no negative coefficient once each symbol is written as its minimum plus something.
  private boolean isNonNegative(Dim x) {
    var shifted = new HashMap<String, Dim>();
    for (String s : x.symbols()) {
      DimRange range = symbols.get(s);
      shifted.put(s, Dim.symbol(s).plus(range == null ? 0 : Math.max(range.min(), 0)));
    }
    return x.substitute(shifted).terms().stream().allMatch(t -> t.coefficient() >= 0);
  }

  /// Where element `index` of a view lies in what it views.
  public List<Dim> through(Op.View view, List<Dim> index) {
    return switch (view) {
      case Op.Reshape(var x, Shape shape) -> reshape(index, shape, x.type().shape());
      case Op.Permute(var _, var axes) -> {
        var inner = new ArrayList<Dim>(index);
        for (int i = 0; i < axes.size(); i++) {
          inner.set(axes.get(i), index.get(i));
        }
        yield inner;
      }
      case Op.Expand(var x, var _) -> broadcast(index, x.type().shape());
      case Op.Slice(var _, int axis, Dim start, Dim _, long step) -> {
        var inner = new ArrayList<Dim>(index);
        inner.set(axis, index.get(axis).times(step).plus(start));
        yield inner;
      }
      case Op.Windows(var _, int axis, Dim _, long _, long step, long dilation) -> {
        var inner = new ArrayList<Dim>(index);
        Dim tap = inner.remove(axis + 1);
        inner.set(axis, index.get(axis).times(step).plus(tap.times(dilation)));
        yield inner;
      }
    };
  }

  /// The index of an operand that broadcasts to the shape `index` runs over.
  public static List<Dim> broadcast(List<Dim> index, Shape operand) {
    var inner = new ArrayList<Dim>();
    int skip = index.size() - operand.rank();
    for (int i = 0; i < operand.rank(); i++) {
      inner.add(operand.dim(i).is(1) ? Dim.ZERO : index.get(i + skip));
    }
    return inner;
  }

  /// Where a product's element needs its left operand, at `k` of the axis that is summed.
  public static List<Dim> left(Op.MatMul m, List<Dim> index, Dim k) {
    var left = leading(m.a(), index);
    left.add(index.get(index.size() - 2));
    left.add(k);
    return List.copyOf(left);
  }

  /// Where a product's element needs its right operand, at `k` of the axis that is summed.
  public static List<Dim> right(Op.MatMul m, List<Dim> index, Dim k) {
    var right = leading(m.b(), index);
    right.add(k);
    right.add(index.getLast());
    return List.copyOf(right);
  }

  private static List<Dim> leading(Value operand, List<Dim> index) {
    var dims = operand.type().shape().dims();
    var shape = new Shape(dims.subList(0, dims.size() - 2));
    return new ArrayList<>(broadcast(index.subList(0, index.size() - 2), shape));
  }

  /// Index of shape `from` as an index of the same elements in shape `to`.
  public List<Dim> reshape(List<Dim> index, Shape from, Shape to) {
    if (from.elements().is(0)) {
      // No element is ever asked for, and empty shapes need not align.
      return java.util.Collections.nCopies(to.rank(), Dim.ZERO);
    }
    var result = new ArrayList<Dim>();
    int i = 0;
    int j = 0;
    while (i < from.rank() || j < to.rank()) {
      int fromEnd = Math.min(i + 1, from.rank());
      int toEnd = Math.min(j + 1, to.rank());
      Dim a = product(from, i, fromEnd);
      Dim b = product(to, j, toEnd);
      while (!a.equals(b)) {
        boolean growTo = toEnd < to.rank() && (fromEnd == from.rank() || a.divideExactly(b) != null);
        if (growTo) {
          b = b.times(to.dim(toEnd++));
        } else if (fromEnd < from.rank()) {
          a = a.times(from.dim(fromEnd++));
        } else {
          throw new IllegalStateException("cannot align " + from + " with " + to);
        }
      }
      Dim linear = Dim.ZERO;
      for (int k = i; k < fromEnd; k++) {
        linear = linear.times(from.dim(k)).plus(index.get(k));
      }
      result.addAll(unflatten(linear, to, j, toEnd));
      i = fromEnd;
      j = toEnd;
    }
    return result;
  }

  private List<Dim> unflatten(Dim linear, Shape to, int begin, int end) {
    var index = new ArrayList<Dim>();
    Dim rest = linear;
    for (int k = end - 1; k >= begin; k--) {
      boolean first = to.dim(k).is(1) || k == begin;
      index.addFirst(to.dim(k).is(1) ? Dim.ZERO : first ? rest : mod(rest, to.dim(k)));
      if (!to.dim(k).is(1)) {
        rest = floorDiv(rest, to.dim(k));
      }
    }
    return index;
  }

  private static Dim product(Shape shape, int begin, int end) {
    Dim product = Dim.ONE;
    for (int k = begin; k < end; k++) {
      product = product.times(shape.dim(k));
    }
    return product;
  }

  /// `c` when `x` is `c * counter + (something without counter)`, else null.
  public static @Nullable Dim coefficient(Dim x, String counter) {
    Dim sum = Dim.ZERO;
    for (Dim.Term t : x.terms()) {
      var rest = new ArrayList<Dim.Factor>();
      int degree = 0;
      for (Dim.Factor f : t.factors()) {
        if (f instanceof Dim.Symbol(String name) && name.equals(counter)) {
          degree++;
        } else if (f instanceof Dim.Call c && (c.left().symbols().contains(counter)
            || c.right().symbols().contains(counter))) {
          return null;
        } else {
          rest.add(f);
        }
      }
      if (degree > 1) {
        return null;
      }
      if (degree == 1) {
        sum = sum.plus(new Dim(List.of(new Dim.Term(t.coefficient(), rest))));
      }
    }
    return sum;
  }

  /// `k*c*floordiv(x,c) + k*mod(x,c)` is `k*x`: what is left where a reshape was undone by another.
  public static Dim tidy(Dim x) {
    for (Dim.Term t : x.terms()) {
      if (t.factors().size() == 1 && t.factors().getFirst() instanceof Dim.Call(Dim.Function fn, Dim l, Dim r)
          && fn == Dim.Function.MOD) {
        Dim whole = l.floorDiv(r).times(r).times(t.coefficient());
        Dim rest = x.minus(whole).minus(new Dim(List.of(t)));
        if (rest.terms().size() < x.terms().size() - 1) {
          return tidy(rest.plus(l.times(t.coefficient())));
        }
      }
    }
    return x;
  }

  /// The extent of a counter.
  public @Nullable Dim extent(String counter) {
    return extents.get(counter);
  }

  /// A counter's range grows when loops are merged.
  void extend(String counter, Dim extent) {
    extents.put(counter, extent);
  }
}
