package dev.deepstack.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/// A symbolic integer: a tensor extent, offset or stride, known when the program is called.
///
/// Every `Dim` is a polynomial in canonical form: a sum of terms `coefficient * factor * factor …` whose factors are
/// symbols or calls (`floordiv`, `mod`, `max`, `min`). Canonical means that equal polynomials are equal records, so
/// `s*2 + s` equals `3*s`. Text form: `4*s27+1`, `floordiv(s0,2)`.
///
/// @param terms sorted by their factors; no zero coefficient; the constant is the term without factors
public record Dim(List<Term> terms) {
  /// Shared zero.
  public static final Dim ZERO = new Dim(List.of());

  /// Shared one.
  public static final Dim ONE = of(1);

  /// `coefficient * factors[0] * factors[1] …`.
  public record Term(long coefficient, List<Factor> factors) {}

  /// What a term multiplies.
  public sealed interface Factor extends Comparable<Factor> {
    @Override
    default int compareTo(Factor other) {
      return toString().compareTo(other.toString());
    }
  }

  /// A named unknown such as `s27`, bound by the shapes of a call's inputs.
  public record Symbol(String name) implements Factor {
    @Override
    public String toString() {
      return name;
    }
  }

  /// A function of two dims that a polynomial cannot express. `floordiv` and `mod` round toward minus infinity.
  public record Call(Function function, Dim left, Dim right) implements Factor {
    @Override
    public String toString() {
      return function.text() + "(" + left + "," + right + ")";
    }
  }

  /// The functions a [Call] may apply.
  public enum Function {
    FLOORDIV, MOD, MAX, MIN;

    public String text() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }

    long apply(long a, long b) {
      return switch (this) {
        case FLOORDIV -> Math.floorDiv(a, b);
        case MOD -> Math.floorMod(a, b);
        case MAX -> Math.max(a, b);
        case MIN -> Math.min(a, b);
      };
    }
  }

  public Dim {
    terms = List.copyOf(terms);
  }

  public static Dim of(long value) {
    return value == 0 ? new Dim(List.of()) : new Dim(List.of(new Term(value, List.of())));
  }

  public static Dim symbol(String name) {
    return ofFactor(new Symbol(name));
  }

  private static Dim ofFactor(Factor factor) {
    return new Dim(List.of(new Term(1, List.of(factor))));
  }

  public boolean isConstant() {
    return terms.isEmpty() || terms.size() == 1 && terms.getFirst().factors().isEmpty();
  }

  public boolean is(long value) {
    return isConstant() && constant() == value;
  }

  /// @throws IllegalStateException when symbolic
  public long constant() {
    if (!isConstant()) {
      throw new IllegalStateException("not a constant: " + this);
    }
    return terms.isEmpty() ? 0 : terms.getFirst().coefficient();
  }

  public Dim plus(Dim other) {
    var sum = new TreeMap<String, Term>();
    terms.forEach(t -> add(sum, t));
    other.terms.forEach(t -> add(sum, t));
    return collect(sum);
  }

  public Dim plus(long other) {
    return plus(of(other));
  }

  public Dim minus(Dim other) {
    return plus(other.times(of(-1)));
  }

  public Dim minus(long other) {
    return plus(of(-other));
  }

  public Dim times(Dim other) {
    var product = new TreeMap<String, Term>();
    for (Term a : terms) {
      for (Term b : other.terms) {
        var factors = new ArrayList<>(a.factors());
        factors.addAll(b.factors());
        factors.sort(null);
        add(product, new Term(Math.multiplyExact(a.coefficient(), b.coefficient()), List.copyOf(factors)));
      }
    }
    return collect(product);
  }

  public Dim times(long other) {
    return times(of(other));
  }

  private static void add(NavigableMap<String, Term> sum, Term term) {
    sum.merge(term.factors().toString(), term,
        (a, b) -> new Term(Math.addExact(a.coefficient(), b.coefficient()), a.factors()));
  }

  private static Dim collect(NavigableMap<String, Term> sum) {
    return new Dim(sum.values().stream().filter(t -> t.coefficient() != 0).toList());
  }

  /// Division rounded toward minus infinity; exact polynomial division where it comes out even.
  public Dim floorDiv(Dim divisor) {
    Dim exact = divideExactly(divisor);
    return exact != null ? exact : call(Function.FLOORDIV, divisor);
  }

  public Dim floorDiv(long divisor) {
    return floorDiv(of(divisor));
  }

  /// Remainder with the sign of the divisor.
  public Dim mod(Dim divisor) {
    return divideExactly(divisor) != null ? of(0) : call(Function.MOD, divisor);
  }

  public Dim max(Dim other) {
    return equals(other) ? this : call(Function.MAX, other);
  }

  public Dim min(Dim other) {
    return equals(other) ? this : call(Function.MIN, other);
  }

  private Dim call(Function function, Dim right) {
    if (isConstant() && right.isConstant()
        && (right.constant() != 0 || function == Function.MAX || function == Function.MIN)) {
      return of(function.apply(constant(), right.constant()));
    }
    return ofFactor(new Call(function, this, right));
  }

  /// This divided by a single-term divisor, or null when that does not come out even for every value.
  public @org.jspecify.annotations.Nullable Dim divideExactly(Dim divisor) {
    if (equals(divisor) && !is(0)) {
      return of(1);
    }
    if (divisor.terms.size() != 1) {
      return null;
    }
    Term d = divisor.terms.getFirst();
    var quotient = new TreeMap<String, Term>();
    for (Term t : terms) {
      var rest = new ArrayList<>(t.factors());
      for (Factor f : d.factors()) {
        if (!rest.remove(f)) {
          return null;
        }
      }
      if (t.coefficient() % d.coefficient() != 0) {
        return null;
      }
      add(quotient, new Term(t.coefficient() / d.coefficient(), List.copyOf(rest)));
    }
    return collect(quotient);
  }

  /// The value for the given symbol values.
  ///
  /// @throws IllegalArgumentException when a symbol has no value
  public long evaluate(Map<String, Long> symbols) {
    long sum = 0;
    for (Term t : terms) {
      long product = t.coefficient();
      for (Factor f : t.factors()) {
        product = Math.multiplyExact(product, switch (f) {
          case Symbol(String name) -> {
            Long value = symbols.get(name);
            if (value == null) {
              throw new IllegalArgumentException("no value for dimension " + name);
            }
            yield value;
          }
          case Call(Function fn, Dim l, Dim r) -> fn.apply(l.evaluate(symbols), r.evaluate(symbols));
        });
      }
      sum = Math.addExact(sum, product);
    }
    return sum;
  }

  /// This with every symbol in the map replaced.
  public Dim substitute(Map<String, Dim> replacements) {
    Dim sum = of(0);
    for (Term t : terms) {
      Dim product = of(t.coefficient());
      for (Factor f : t.factors()) {
        product = product.times(switch (f) {
          case Symbol(String name) -> replacements.getOrDefault(name, ofFactor(f));
          case Call(Function fn, Dim l, Dim r) -> {
            Dim a = l.substitute(replacements);
            Dim b = r.substitute(replacements);
            yield switch (fn) {
              case FLOORDIV -> a.floorDiv(b);
              case MOD -> a.mod(b);
              case MAX -> a.max(b);
              case MIN -> a.min(b);
            };
          }
        });
      }
      sum = sum.plus(product);
    }
    return sum;
  }

  /// The largest value this can take when each symbol of the map is anything from 0 to what the map says, and no other
  /// symbol is negative: a dim without the symbols of the map.
  public Dim atMost(Map<String, Dim> greatest) {
    return bound(greatest, true);
  }

  private Dim bound(Map<String, Dim> greatest, boolean upper) {
    if (symbols().stream().noneMatch(greatest::containsKey)) {
      return this;
    }
    Dim sum = of(0);
    for (Term t : terms) {
      boolean up = t.coefficient() > 0 == upper;
      Dim product = of(t.coefficient());
      for (Factor f : t.factors()) {
        product = product.times(switch (f) {
          case Symbol(String name) -> !greatest.containsKey(name) ? ofFactor(f) : up ? greatest.get(name) : ZERO;
          case Call(Function fn, Dim l, Dim r) -> switch (fn) {
            case FLOORDIV -> l.bound(greatest, up).floorDiv(r.bound(greatest, !up));
            case MOD -> up ? r.bound(greatest, true).minus(1) : ZERO;
            case MAX -> l.bound(greatest, up).max(r.bound(greatest, up));
            case MIN -> l.bound(greatest, up).min(r.bound(greatest, up));
          };
        });
      }
      sum = sum.plus(product);
    }
    return sum;
  }

  /// Names of all symbols, also those inside calls.
  public SortedSet<String> symbols() {
    var names = new TreeSet<String>();
    for (Term t : terms) {
      for (Factor f : t.factors()) {
        switch (f) {
          case Symbol(String name) -> names.add(name);
          case Call(Function _, Dim l, Dim r) -> {
            names.addAll(l.symbols());
            names.addAll(r.symbols());
          }
        }
      }
    }
    return names;
  }

  /// Parses the text form.
  ///
  /// @throws IllegalArgumentException for anything else, with the position
  public static Dim parse(String text) {
    return new DimParser(text).parse();
  }

  @Override
  public String toString() {
    if (terms.isEmpty()) {
      return "0";
    }
    var out = new StringBuilder();
    for (Term t : terms) {
      if (!out.isEmpty() && t.coefficient() >= 0) {
        out.append('+');
      }
      if (t.factors().isEmpty()) {
        out.append(t.coefficient());
        continue;
      }
      if (t.coefficient() == -1) {
        out.append('-');
      } else if (t.coefficient() != 1) {
        out.append(t.coefficient()).append('*');
      }
      out.append(String.join("*", t.factors().stream().map(Factor::toString).toList()));
    }
    return out.toString();
  }
}
