package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.Expressions.Lane;
import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// Reductions and contractions as loops with accumulators. Outside a vector loop the last axis is itself taken a vector
/// at a time when memory lies that way; inside one, every lane accumulates its own result.
final class Folds {
  private final Expressions expressions;
  private final KernelCode code;
  private final Fn f;

  Folds(Expressions expressions) {
    this.expressions = expressions;
    code = expressions.code;
    f = code.f;
  }

  /// How results combine and where they begin.
  private interface Fold {
    String combine(String accumulator, List<Dim> counters, Lane lane);

    String join(String a, String b);

    boolean isVectorizable(String counter);

    void hoist(List<Dim> counters, String counter);
  }

  String reduce(Op.Reduction r, List<Dim> index, Lane lane) {
    DType dtype = r.x().type().dtype();
    List<Dim> extents = r.axes().stream().map(a -> r.x().type().dim(a)).toList();
    List<Dim> counters = extents.stream().map(code.indexing::counter).toList();
    var inner = new ArrayList<Dim>();
    int kept = 0;
    for (int i = 0; i < r.x().type().rank(); i++) {
      int at = r.axes().indexOf(i);
      inner.add(at >= 0 ? counters.get(at) : index.get(r.keep() ? i : kept++));
    }
    return run(new Fold() {
      @Override
      public String combine(String accumulator, List<Dim> bound, Lane here) {
        return join(accumulator, Arithmetic.spread(f, expressions.at(r.x(), inner, here),
            Fn.lanesOf(f.type(accumulator))));
      }

      @Override
      public String join(String a, String b) {
        return combineTwo(r, dtype, a, b);
      }

      @Override
      public boolean isVectorizable(String counter) {
        return Contiguity.of(code).suits(r.x(), inner, counter);
      }

      @Override
      public void hoist(List<Dim> bound, String counter) {
        expressions.hoist(r.x(), inner, counter, false);
      }
    }, counters, identity(r, dtype), lane.varies(index) ? lane : Lane.SCALAR);
  }

  private static String identity(Op.Reduction r, DType dtype) {
    return switch (r) {
      case Op.ReduceSum _ -> Registers.literal(dtype, 0);
      case Op.ReduceProd _ -> Registers.literal(dtype, 1);
      case Op.ReduceMax _ -> extreme(dtype, true);
      case Op.ReduceMin _ -> extreme(dtype, false);
    };
  }

  private static String extreme(DType dtype, boolean lowest) {
    if (dtype.isFloat()) {
      return Registers.literal(dtype, lowest ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
    }
    if (dtype.isBool()) {
      return "i1 " + !lowest;
    }
    int bits = dtype.bytes() * 8;
    long min = dtype.isUnsigned() ? 0 : -1L << bits - 1;
    return Registers.element(dtype) + " " + (lowest ? min : dtype.isUnsigned() ? -1L : ~min);
  }

  private String combineTwo(Op.Reduction r, DType dtype, String a, String b) {
    boolean real = dtype.isFloat();
    String s = dtype.isUnsigned() || dtype.isBool() ? "u" : "s";
    String type = f.type(a);
    return switch (r) {
      case Op.ReduceSum _ -> real ? f.fadd(a, b) : dtype.isBool() ? f.binary("or", a, b) : f.add(a, b);
      case Op.ReduceProd _ -> real ? f.fmul(a, b) : dtype.isBool() ? f.binary("and", a, b) : f.mul(a, b);
      case Op.ReduceMax _ -> real ? f.fmax(a, b) : f.intrinsic("llvm." + s + "max", type, a, b);
      case Op.ReduceMin _ -> real ? f.fmin(a, b) : f.intrinsic("llvm." + s + "min", type, a, b);
    };
  }

  String matmul(Op.MatMul m, List<Dim> index, Lane lane) {
    DType dtype = m.a().type().dtype();
    Dim counter = code.indexing.counter(m.a().type().dim(-1));
    List<Dim> left = Indexing.left(m, index, counter);
    List<Dim> right = Indexing.right(m, index, counter);
    return run(new Fold() {
      @Override
      public String combine(String accumulator, List<Dim> bound, Lane here) {
        int lanes = Fn.lanesOf(f.type(accumulator));
        String a = Arithmetic.spread(f, expressions.at(m.a(), left, here), lanes);
        String b = Arithmetic.spread(f, expressions.at(m.b(), right, here), lanes);
        return dtype.isFloat() ? f.fma(a, b, accumulator) : f.add(accumulator, f.mul(a, b));
      }

      @Override
      public String join(String a, String b) {
        return dtype.isFloat() ? f.fadd(a, b) : f.add(a, b);
      }

      @Override
      public boolean isVectorizable(String name) {
        var contiguity = Contiguity.of(code);
        return contiguity.suits(m.a(), left, name) && contiguity.suits(m.b(), right, name);
      }

      @Override
      public void hoist(List<Dim> bound, String name) {
        expressions.hoist(m.a(), left, name, false);
        expressions.hoist(m.b(), right, name, false);
      }
    }, List.of(counter), Registers.literal(dtype, 0), lane.varies(index) ? lane : Lane.SCALAR);
  }

  private String run(Fold fold, List<Dim> counters, String identity, Lane lane) {
    String first = Arithmetic.spread(f, identity, lane.lanes());
    return nest(fold, counters, 0, first, identity, lane);
  }

  private String nest(Fold fold, List<Dim> counters, int depth, String accumulator, String identity, Lane lane) {
    Dim counter = counters.get(depth);
    String name = Indexing.name(counter);
    String extent = code.index(Objects.requireNonNull(code.indexing.extent(name)));
    boolean last = depth == counters.size() - 1;
    fold.hoist(counters, name);
    if (last && lane.lanes() == 1 && code.lanes > 1 && fold.isVectorizable(name)) {
      return vectors(fold, counters, counter, extent, accumulator, identity);
    }
    return loop("0", extent, counter, accumulator, acc -> last
        ? fold.combine(acc, counters, lane)
        : nest(fold, counters, depth + 1, acc, identity, lane));
  }

  /// Whole vectors first, their lanes joined, then what is left over one by one.
  private String vectors(
      Fold fold, List<Dim> counters, Dim counter, String extent, String accumulator, String identity) {
    int lanes = code.lanes;
    String whole = f.binary("and", extent, Integer.toString(-lanes));
    String start = Arithmetic.spread(f, identity, lanes);
    var lane = new Lane(Indexing.name(counter), lanes);
    var sums = f.loop("0", whole, lanes, List.of(start), (i, carried) -> {
      code.bind(counter, i);
      var next = new ArrayList<String>();
      expressions.scoped(() -> next.add(fold.combine(carried.getFirst(), counters, lane)));
      return next;
    });
    String joined = fold.join(accumulator, across(fold, sums.getFirst()));
    return loop(whole, extent, counter, joined, acc -> fold.combine(acc, counters, Lane.SCALAR));
  }

  private String loop(
      String from, String to, Dim counter, String accumulator, java.util.function.UnaryOperator<String> round) {
    return f.loop(from, to, 1, List.of(accumulator), (i, carried) -> {
      code.bind(counter, i);
      var next = new ArrayList<String>();
      expressions.scoped(() -> next.add(round.apply(carried.getFirst())));
      return next;
    }).getFirst();
  }

  /// Joins the lanes of a vector pairwise.
  private String across(Fold fold, String vector) {
    String v = vector;
    for (int half = Fn.lanesOf(f.type(vector)) / 2; half >= 1; half /= 2) {
      var low = new int[half];
      var high = new int[half];
      for (int i = 0; i < half; i++) {
        low[i] = i;
        high[i] = i + half;
      }
      String a = half == 1 ? Vec.extract(f, v, 0) : Vec.shuffle(f, v, v, low);
      String b = half == 1 ? Vec.extract(f, v, 1) : Vec.shuffle(f, v, v, high);
      v = fold.join(a, b);
    }
    return v;
  }
}
