package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;

/// Reading by one index tensor.
final class Indexing {
  private Indexing() {}

  static void add(Operators.Builder table) {
    table.aten("embedding", c -> c.set(c.e.of(new Op.Gather(c.tensor("weight"), c.tensor("indices"), 0))))
        .aten("index_select", Indexing::select)
        .aten("gather", c -> takeAlong(c, c.tensor("index")))
        .aten("take_along_dim", Indexing::takeAlongDim)
        .aten("take", Indexing::take)
        .aten("one_hot", Indexing::oneHot);
  }

  private static void select(Call c) {
    Value x = c.tensor("self");
    Value index = c.tensor("index");
    if (x.type().rank() == 0) {
      c.set(c.e.reshape(x, c.shape()));
      return;
    }
    Value row = c.e.flatten(index);
    c.set(c.e.of(new Op.Gather(x, row, c.axis("dim", 0, x.type().rank()))));
  }

  private static void takeAlong(Call c, Value index) {
    Value x = c.tensor("self");
    if (x.type().rank() == 0) {
      c.set(c.e.reshape(x, c.shape()));
      return;
    }
    c.set(c.e.of(new Op.TakeAlong(x, index, c.axis("dim", 0, x.type().rank()))));
  }

  private static void takeAlongDim(Call c) {
    Value x = c.tensor("self");
    Value indices = c.tensor("indices");
    if (!c.has("dim")) {
      c.set(c.e.of(new Op.TakeAlong(c.e.flatten(x), c.e.flatten(indices), 0)));
      return;
    }
    int axis = c.axis("dim", 0, x.type().rank());
    Shape wide = c.shape();
    Value expanded = c.e.expand(x, wide.with(axis, x.type().dim(axis)));
    Value index = c.e.expand(indices, wide);
    c.set(c.e.of(new Op.TakeAlong(expanded, index, axis)));
  }

  private static void take(Call c) {
    Value flat = c.e.flatten(c.tensor("self"));
    c.set(c.e.of(new Op.Gather(flat, wrap(c.e, c.tensor("index"), flat.type().dim(0)), 0)));
  }

  private static void oneHot(Call c) {
    Value x = c.tensor("self");
    Value classes = c.e.cast(c.e.of(new Op.Iota(c.shape().dim(-1))), x.type().dtype());
    c.set(c.e.cast(c.e.of(new Op.Eq(c.e.unsqueeze(x, x.type().rank()), classes)), DType.I64));
  }

  /// Indices as i64 or i32 with negative values counted from the end of an axis of that extent.
  static Value wrap(Emit e, Value indices, Dim extent) {
    DType dtype = indices.type().dtype();
    Value i = dtype == DType.I32 || dtype == DType.I64 ? indices : e.cast(indices, DType.I64);
    if (isNonNegative(i)) {
      return i;
    }
    return e.select(e.less(i, 0), e.add(i, e.dim(extent, i.type().dtype())), i);
  }

  /// Whether no element can be negative, as far as the ops before tell.
  static boolean isNonNegative(Value x) {
    if (x.type().dtype().isUnsigned() || x.type().dtype().isBool()) {
      return true;
    }
    return switch (x.op()) {
      case Op.Iota _, Op.ArgSort _, Op.TopK _, Op.ArgMax _ -> true;
      case Op.Constant(double value, _) -> value >= 0;
      case Op.DimValue(Dim dim) -> dim.terms().stream().allMatch(t -> t.coefficient() >= 0);
      case Op.Cast(Value y, _) -> isNonNegative(y);
      case Op.View view -> isNonNegative(view.x());
      case Op.Gather gather -> isNonNegative(gather.x());
      case Op.TakeAlong take -> isNonNegative(take.x());
      case Op.ReduceSum sum -> isNonNegative(sum.x());
      case Op.CumSum sum -> isNonNegative(sum.x());
      case Op.Abs _ -> true;
      case Op.Add(Value a, Value b) -> isNonNegative(a) && isNonNegative(b);
      case Op.Mul(Value a, Value b) -> isNonNegative(a) && isNonNegative(b);
      case Op.Div(Value a, Value b) -> isNonNegative(a) && isNonNegative(b);
      case Op.FloorDiv(Value a, Value b) -> isNonNegative(a) && isNonNegative(b);
      case Op.Rem(Value _, Value b) -> isNonNegative(b);
      case Op.Min(Value a, Value b) -> isNonNegative(a) && isNonNegative(b);
      case Op.Max(Value a, Value b) -> isNonNegative(a) || isNonNegative(b);
      case Op.Select(Value _, Value a, Value b) -> isNonNegative(a) && isNonNegative(b);
      case Op.Concat concat -> concat.parts().stream().allMatch(Indexing::isNonNegative);
      case Op.Scatter s -> isNonNegative(s.x()) && isNonNegative(s.source());
      case Op.ScatterAlong s -> isNonNegative(s.x()) && isNonNegative(s.source());
      default -> false;
    };
  }
}
