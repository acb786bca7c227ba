package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;

/// `einsum`: operands are multiplied two at a time, from left to right, each pair as one matrix product.
final class Einsum {
  /// Labels that stand for the axes of an ellipsis, the last axis first.
  private static final String ELLIPSIS = "0123456789";

  /// A value whose axes are labelled, each label once.
  private record Term(Value value, List<Character> labels) {
    Dim extent(char label) {
      return value.type().dim(labels.indexOf(label));
    }
  }

  private final Emit e;

  private Einsum(Emit e) {
    this.e = e;
  }

  static void lower(Call c) {
    String equation = c.text("equation", "").replace(" ", "");
    List<Value> tensors = c.tensors("tensors");
    String[] sides = equation.split("->", -1);
    String[] inputs = sides[0].split(",", -1);
    if (inputs.length != tensors.size()) {
      throw new Refusal("the equation " + equation);
    }
    var einsum = new Einsum(c.e);
    var terms = new ArrayList<Term>();
    int dots = 0;
    for (int i = 0; i < inputs.length; i++) {
      Value x = c.e.cast(tensors.get(i), c.dtype());
      int hidden = x.type().rank() - inputs[i].replace("...", "").length();
      dots = Math.max(dots, hidden);
      terms.add(einsum.term(x, labels(inputs[i], hidden), equation));
    }
    List<Character> output = sides.length > 1 ? labels(sides[1], dots) : implicit(terms, dots);
    c.set(einsum.contract(terms, output));
  }

  private static List<Character> labels(String side, int hidden) {
    String dots = new StringBuilder(ELLIPSIS.substring(0, hidden)).reverse().toString();
    return side.replace("...", dots).chars().mapToObj(ch -> (char) ch).toList();
  }

  /// Without an arrow: the ellipsis, then the labels that occur once, by the alphabet.
  private static List<Character> implicit(List<Term> terms, int dots) {
    var counts = new HashMap<Character, Integer>();
    terms.forEach(t -> t.labels().forEach(l -> counts.merge(l, 1, Integer::sum)));
    var output = new ArrayList<>(labels("...", dots));
    counts.keySet().stream().sorted()
        .filter(l -> counts.getOrDefault(l, 0) == 1 && !output.contains(l))
        .forEach(output::add);
    return output;
  }

  /// A label that occurs twice in one operand takes its diagonal.
  private Term term(Value x, List<Character> labels, String equation) {
    Value value = x;
    var names = new ArrayList<>(labels);
    for (int i = 0; i < names.size(); i++) {
      int again = names.lastIndexOf(names.get(i));
      if (again > i) {
        value = diagonal(value, i, again, equation);
        char label = names.get(i);
        names.removeIf(l -> l == label);
        names.add(label);
        i = -1;
      }
    }
    return new Term(value, names);
  }

  /// Axes `i` and `j` as their diagonal, which goes last.
  private Value diagonal(Value x, int i, int j, String equation) {
    Dim extent = x.type().dim(i);
    if (!extent.isConstant() || !extent.equals(x.type().dim(j))) {
      throw new Refusal("the equation " + equation + ", which takes the diagonal of a dynamic size");
    }
    var order = new ArrayList<>(Emit.axes(x.type().rank()));
    order.removeAll(List.of(i, j));
    var dims = new ArrayList<>(order.stream().map(x.type()::dim).toList());
    order.addAll(List.of(i, j));
    dims.add(extent.times(extent));
    Value flat = e.reshape(e.permute(x, order), dims);
    return e.slice(flat, dims.size() - 1, Dim.ZERO, extent, extent.constant() + 1);
  }

  private Value contract(List<Term> terms, List<Character> output) {
    Term result = terms.getFirst();
    for (int i = 1; i < terms.size(); i++) {
      var needed = new HashSet<>(output);
      terms.subList(i + 1, terms.size()).forEach(t -> needed.addAll(t.labels()));
      result = multiply(result, terms.get(i), needed);
    }
    result = summed(result, new HashSet<>(output));
    return arranged(result, output);
  }

  /// Sums over the labels that nobody needs.
  private Term summed(Term t, Set<Character> needed) {
    var axes = new ArrayList<Integer>();
    var kept = new ArrayList<Character>();
    for (int i = 0; i < t.labels().size(); i++) {
      if (needed.contains(t.labels().get(i))) {
        kept.add(t.labels().get(i));
      } else {
        axes.add(i);
      }
    }
    return new Term(e.sum(t.value(), axes, false), kept);
  }

  private Value arranged(Term t, List<Character> order) {
    return e.permute(t.value(), order.stream().map(t.labels()::indexOf).toList());
  }

  private Term multiply(Term left, Term right, Set<Character> needed) {
    var wantedLeft = new HashSet<>(needed);
    wantedLeft.addAll(right.labels());
    var wantedRight = new HashSet<>(needed);
    wantedRight.addAll(left.labels());
    Term a = summed(left, wantedLeft);
    Term b = summed(right, wantedRight);
    SequencedSet<Character> shared = new LinkedHashSet<>(a.labels());
    shared.retainAll(b.labels());
    var batch = shared.stream().filter(needed::contains).toList();
    var inner = shared.stream().filter(l -> !needed.contains(l)).toList();
    var rows = a.labels().stream().filter(l -> !shared.contains(l)).toList();
    var columns = b.labels().stream().filter(l -> !shared.contains(l)).toList();
    for (char label : shared) {
      if (!a.extent(label).equals(b.extent(label))) {
        throw new Refusal("broadcast of the label " + label);
      }
    }
    var labels = new ArrayList<>(batch);
    labels.addAll(rows);
    labels.addAll(columns);
    return new Term(inner.isEmpty() ? outer(a, b, labels) : product(a, b, batch, rows, columns, inner),
        labels);
  }

  /// Nothing is summed: an element-wise product of broadcast operands.
  private Value outer(Term a, Term b, List<Character> labels) {
    return e.mul(spread(a, labels), spread(b, labels));
  }

  private Value spread(Term t, List<Character> labels) {
    var own = labels.stream().filter(t.labels()::contains).toList();
    var dims = labels.stream().map(l -> t.labels().contains(l) ? t.extent(l) : Dim.ONE).toList();
    return e.reshape(arranged(t, own), dims);
  }

  private Value product(Term a, Term b, List<Character> batch, List<Character> rows, List<Character> columns,
      List<Character> inner) {
    Map<Character, Dim> extents = new HashMap<>();
    a.labels().forEach(l -> extents.put(l, a.extent(l)));
    b.labels().forEach(l -> extents.put(l, b.extent(l)));
    Value x = e.reshape(arranged(a, joined(batch, rows, inner)), grouped(extents, batch, rows, inner));
    Value y = e.reshape(arranged(b, joined(batch, inner, columns)), grouped(extents, batch, inner, columns));
    Value z = e.of(new Op.MatMul(x, y));
    return e.reshape(z, new Shape(joined(batch, rows, columns).stream().map(extents::get).toList()));
  }

  private static List<Character> joined(List<Character> a, List<Character> b, List<Character> c) {
    var all = new ArrayList<>(a);
    all.addAll(b);
    all.addAll(c);
    return all;
  }

  /// Batch axes one by one, then two axes that hold a group each.
  private static List<Dim> grouped(Map<Character, Dim> extents, List<Character> batch, List<Character> first,
      List<Character> second) {
    var dims = new ArrayList<Dim>();
    batch.forEach(l -> dims.add(extent(extents, l)));
    dims.add(first.stream().map(l -> extent(extents, l)).reduce(Dim.ONE, Dim::times));
    dims.add(second.stream().map(l -> extent(extents, l)).reduce(Dim.ONE, Dim::times));
    return dims;
  }

  private static Dim extent(Map<Character, Dim> extents, char label) {
    return java.util.Objects.requireNonNull(extents.get(label));
  }
}
