package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.is;
import static dev.deepstack.passes.Patterns.isLossless;
import static dev.deepstack.passes.Patterns.shape;
import static dev.deepstack.passes.Patterns.splat;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Shape;
import org.jspecify.annotations.Nullable;

/// Arithmetic that need not be done. Each arm reads `before -> after`; constants stand on the right.
final class Simplify {
  private Simplify() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    Value folded = Fold.apply(op, to);
    return folded != null ? folded : switch (op) {
      case Op.Comparison c -> comparison(c, to);
      case Op.Binary b -> binary(b, to);
      case Op.Unary u -> unary(u, to);
      case Op.Cast(var x, var dtype) when x.type().dtype() == dtype -> x;
      // Through a type that loses nothing.
      case Op.Cast(Value(Op.Cast(var x, var _), var between, _), var dtype)
          when isLossless(x.type().dtype(), between.dtype()) -> Patterns.cast(to, x, dtype);
      case Op.Select(var c, var a, var b) -> select(op, to, c, a, b);
      case Op.Choose(var c, var a, var b) -> is(c, 1) || a.equals(b) ? a : is(c, 0) ? b : null;
      case Op.Reduction r -> reduction(r, to);
      default -> null;
    };
  }

  private static @Nullable Value unary(Op.Unary op, Rewriter to) {
    return switch (op) {
      case Op.Neg(Value(Op.Neg(var x), _, _)) -> x;
      case Op.Not(Value(Op.Not(var x), _, _)) -> x;
      case Op.Not(Value(Op.Eq(var a, var b), _, _)) -> to.add(new Op.Ne(a, b));
      case Op.Not(Value(Op.Ne(var a, var b), _, _)) -> to.add(new Op.Eq(a, b));
      // An order of integers is total; NaN makes that of floats partial.
      case Op.Not(Value(Op.Lt(var a, var b), _, _)) when isInteger(a) -> to.add(new Op.Ge(a, b));
      case Op.Not(Value(Op.Le(var a, var b), _, _)) when isInteger(a) -> to.add(new Op.Gt(a, b));
      case Op.Not(Value(Op.Gt(var a, var b), _, _)) when isInteger(a) -> to.add(new Op.Le(a, b));
      case Op.Not(Value(Op.Ge(var a, var b), _, _)) when isInteger(a) -> to.add(new Op.Lt(a, b));
      case Op.Not(Value(Op.ReduceMax(Value(Op.Not(var x), _, _), var axes, var keep), _, _)) when isBool(x) ->
          to.add(new Op.ReduceMin(x, axes, keep));
      case Op.Abs(Value(Op.Abs _, _, _)) -> op.x();
      default -> null;
    };
  }

  private static @Nullable Value binary(Op.Binary op, Rewriter to) {
    Value a = op.a();
    Value b = op.b();
    boolean sameShape = shape(a).equals(op.infer().shape());
    Value swapped = swapped(op, to);
    if (swapped != null) {
      return swapped;
    }
    return switch (op) {
      case Op.Add _ when is(b, 0) && sameShape -> a;
      case Op.Sub _ when is(b, 0) && sameShape -> a;
      case Op.Sub _ when a.equals(b) && isInteger(a) -> zero(to, a);
      case Op.Sub _ when is(a, 0) && shape(b).equals(op.infer().shape()) -> to.add(new Op.Neg(b));
      case Op.Add(var x, Value(Op.Neg(var y), _, _)) -> to.add(new Op.Sub(x, y));
      case Op.Add(Value(Op.Add(var x, var c), _, _), var d) when isInteger(x) && isConstant(c)
          && isConstant(d) ->
          to.add(new Op.Add(x, to.add(new Op.Add(c, d))));
      case Op.Mul _ when is(b, 1) && sameShape -> a;
      case Op.Mul _ when is(b, -1) && sameShape && a.type().dtype().isFloat() -> to.add(new Op.Neg(a));
      case Op.Mul _ when is(b, 0) && sameShape && isInteger(a) -> zero(to, a);
      case Op.Mul(Value(Op.Mul(var x, var c), _, _), var d) when isInteger(x) && isConstant(c)
          && isConstant(d) ->
          to.add(new Op.Mul(x, to.add(new Op.Mul(c, d))));
      case Op.Div _ when is(b, 1) && sameShape -> a;
      case Op.Div(var one, Value(Op.Sqrt(var x), _, _)) when is(one, 1)
          && shape(x).equals(op.infer().shape()) ->
          to.add(new Op.Rsqrt(x));
      case Op.FloorDiv _ when is(b, 1) && sameShape && isInteger(a) -> a;
      case Op.Pow _ when is(b, 1) && sameShape -> a;
      case Op.Pow _ when is(b, 2) && sameShape -> to.add(new Op.Mul(a, a));
      case Op.Pow _ when is(b, 0.5) && sameShape -> to.add(new Op.Sqrt(a));
      case Op.Pow _ when is(b, -0.5) && sameShape -> to.add(new Op.Rsqrt(a));
      case Op.Max _ when a.equals(b) || sameShape && atLeast(a, b) -> a;
      case Op.Min _ when a.equals(b) || sameShape && atLeast(b, a) -> a;
      case Op.And _ when a.equals(b) || isBool(a) && is(b, 1) && sameShape -> a;
      case Op.Or _ when a.equals(b) || is(b, 0) && sameShape -> a;
      case Op.And _ when isBool(a) && isConstant(b) && is(b, 0) -> filled(to, op, 0);
      case Op.Or _ when isBool(a) && isConstant(b) && is(b, 1) -> filled(to, op, 1);
      default -> null;
    };
  }

  /// `2 + x -> x + 2`.
  private static @Nullable Value swapped(Op.Binary op, Rewriter to) {
    if (splat(op.a()) == null || splat(op.b()) != null) {
      return null;
    }
    Value a = op.a();
    Value b = op.b();
    return switch (op) {
      case Op.Add _ -> to.add(new Op.Add(b, a));
      case Op.Mul _ -> to.add(new Op.Mul(b, a));
      case Op.Max _ -> to.add(new Op.Max(b, a));
      case Op.Min _ -> to.add(new Op.Min(b, a));
      case Op.And _ -> to.add(new Op.And(b, a));
      case Op.Or _ -> to.add(new Op.Or(b, a));
      case Op.Eq _ -> to.add(new Op.Eq(b, a));
      case Op.Ne _ -> to.add(new Op.Ne(b, a));
      case Op.Lt _ -> to.add(new Op.Gt(b, a));
      case Op.Le _ -> to.add(new Op.Ge(b, a));
      case Op.Gt _ -> to.add(new Op.Lt(b, a));
      case Op.Ge _ -> to.add(new Op.Le(b, a));
      default -> null;
    };
  }

  private static @Nullable Value comparison(Op.Comparison op, Rewriter to) {
    Value swapped = swapped(op, to);
    if (swapped != null) {
      return swapped;
    }
    Bounds a = Bounds.of(op.a());
    Bounds b = Bounds.of(op.b());
    if (a != null && b != null) {
      Boolean known = switch (op) {
        case Op.Lt _ -> known(a.max() < b.min(), a.min() >= b.max());
        case Op.Ge _ -> known(a.min() >= b.max(), a.max() < b.min());
        case Op.Le _ -> known(a.max() <= b.min(), a.min() > b.max());
        case Op.Gt _ -> known(a.min() > b.max(), a.max() <= b.min());
        case Op.Eq _ -> known(false, a.max() < b.min() || a.min() > b.max());
        case Op.Ne _ -> known(a.max() < b.min() || a.min() > b.max(), false);
      };
      if (known != null) {
        return filled(to, op, known ? 1 : 0);
      }
    }
    // A truth value asked whether it is one.
    boolean asked = op instanceof Op.Ne && is(op.b(), 0) || op instanceof Op.Eq && is(op.b(), 1);
    boolean denied = op instanceof Op.Eq && is(op.b(), 0) || op instanceof Op.Ne && is(op.b(), 1);
    Value source = op.a().op() instanceof Op.Cast(var x, var _) ? x : op.a();
    Value truth = isBool(source) ? source : null;
    if (truth != null && (asked || denied) && shape(truth).equals(op.infer().shape())) {
      return asked ? truth : to.add(new Op.Not(truth));
    }
    return null;
  }

  private static @Nullable Boolean known(boolean yes, boolean no) {
    return yes ? Boolean.TRUE : no ? Boolean.FALSE : null;
  }

  private static @Nullable Value select(Op op, Rewriter to, Value c, Value a, Value b) {
    Shape shape = op.infer().shape();
    if (a.equals(b) && shape(a).equals(shape)) {
      return a;
    }
    Double known = splat(c);
    if (known != null) {
      Value taken = known != 0 ? a : b;
      return shape(taken).equals(shape) ? taken : to.add(new Op.Expand(taken, shape));
    }
    if (c.op() instanceof Op.Not(var x)) {
      return to.add(new Op.Select(x, b, a));
    }
    if (isBool(a) && is(a, 1) && is(b, 0) && shape(c).equals(shape)) {
      return c;
    }
    return null;
  }

  /// Folding an axis of extent 1 folds nothing.
  private static @Nullable Value reduction(Op.Reduction op, Rewriter to) {
    boolean nothing = op.axes().stream().allMatch(axis -> op.x().type().dim(axis).is(1));
    return nothing ? Patterns.reshape(to, op.x(), op.infer().shape()) : null;
  }

  private static Value zero(Rewriter to, Value like) {
    return to.add(new Op.Expand(to.add(new Op.Constant(0, like.type().dtype())), shape(like)));
  }

  private static Value filled(Rewriter to, Op op, double value) {
    Value constant = to.add(new Op.Constant(value, op.infer().dtype()));
    Shape shape = op.infer().shape();
    return shape.rank() == 0 ? constant : to.add(new Op.Expand(constant, shape));
  }

  private static boolean atLeast(Value a, Value b) {
    Bounds ba = Bounds.of(a);
    Bounds bb = Bounds.of(b);
    return ba != null && bb != null && ba.min() >= bb.max();
  }

  private static boolean isConstant(Value v) {
    return v.op() instanceof Op.Constant;
  }

  private static boolean isInteger(Value v) {
    return v.type().dtype().isInteger();
  }

  private static boolean isBool(Value v) {
    return v.type().dtype() == DType.BOOL;
  }
}
