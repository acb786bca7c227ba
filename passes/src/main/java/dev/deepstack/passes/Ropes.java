package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.shape;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `x * cos + concat(-high, low) * sin -> rope(x)`, and the two ways to write it out by pairs.
final class Ropes {
  private Ropes() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.Add(Value(Op.Mul(var a, var b), _, _), Value(Op.Mul(var c, var d), _, _)) ->
          halves(op, a, b, c, d, to);
      // Pairs side by side: stack((…, …), -1).flatten(-2).
      case Op.Concat(var parts, int axis) when parts.size() == 2
          && axis == parts.getFirst().type().rank() - 1 -> {
        Value value = interleaved(op, parts, to);
        yield value == null ? split(op, parts, to) : value;
      }
      default -> null;
    };
  }

  private static @Nullable Value halves(Op op, Value a, Value b, Value c, Value d, Rewriter to) {
    for (List<Value> m : List.of(
        List.of(a, b, c, d), List.of(b, a, c, d), List.of(a, b, d, c), List.of(b, a, d, c),
        List.of(c, d, a, b), List.of(d, c, a, b), List.of(c, d, b, a), List.of(d, c, b, a))) {
      // Broadcasting may have put the 1s in front.
      Value x = Patterns.units(to, m.get(0), op.infer().shape());
      if (x.type().equals(op.infer()) && isTurned(m.get(2), m.get(0), to)
          && isWide(m.get(1), x) && isWide(m.get(3), x)) {
        return to.add(new Op.Rope(x, m.get(1), m.get(3), Op.RopeLayout.HALVES));
      }
    }
    return null;
  }

  private static boolean isWide(Value angles, Value x) {
    return angles.type().rank() >= 1 && angles.type().dim(-1).equals(x.type().dim(-1));
  }

  /// `concat(-x[d/2:], x[:d/2])`.
  private static boolean isTurned(Value v, Value x, Rewriter to) {
    if (v.op() instanceof Op.Reshape(var w, var s) && x.op() instanceof Op.Reshape(var y, var same)
        && s.equals(same)
        && y.type().rank() > 0 && y.type().dim(-1).equals(s.dim(-1))) {
      return isTurned(w, y, to);
    }
    int last = x.type().rank() - 1;
    if (!(v.op() instanceof Op.Concat(var parts, int axis)) || axis != last || parts.size() != 2) {
      return false;
    }
    Value high = negated(parts.getFirst(), to);
    Value low = parts.get(1);
    Dim half = low.type().dim(last);
    return high != null && x.equals(covered(low, high, half, half, 1, to));
  }

  /// What is negated; a reshape has moved behind the negation.
  private static @Nullable Value negated(Value v, Rewriter to) {
    if (v.op() instanceof Op.Reshape(var y, var s)) {
      Value inner = negated(y, to);
      return inner == null ? null : Patterns.reshape(to, inner, s);
    }
    return v.op() instanceof Op.Neg(var x) ? x : null;
  }

  /// The two halves of a rotation: what rotates, by which angles.
  private record Pair(Value first, Value second, Value cos, Value sin) {}

  /// `a = p cos - q sin`, `b = p sin + q cos` in any order of factors.
  private static @Nullable Pair pair(Value a, Value b) {
    if (!(a.op() instanceof Op.Sub(Value(Op.Mul(var a1, var a2), _, _), Value(Op.Mul(var a3, var a4), _, _)))
        || !(b.op() instanceof Op.Add(
            Value(Op.Mul(var b1, var b2), _, _), Value(Op.Mul(var b3, var b4), _, _)))) {
      return null;
    }
    for (Pair p : List.of(new Pair(a1, a3, a2, a4), new Pair(a2, a3, a1, a4),
        new Pair(a1, a4, a2, a3), new Pair(a2, a4, a1, a3))) {
      boolean sinFirst = isProduct(b1, b2, p.first, p.sin) && isProduct(b3, b4, p.second, p.cos);
      boolean cosFirst = isProduct(b1, b2, p.second, p.cos) && isProduct(b3, b4, p.first, p.sin);
      if ((sinFirst || cosFirst) && isAngles(p, a)) {
        return p;
      }
    }
    return null;
  }

  private static boolean isProduct(Value a, Value b, Value p, Value q) {
    return a.equals(p) && b.equals(q) || a.equals(q) && b.equals(p);
  }

  /// The rotated has the shape of the result, the angles broadcast to it.
  private static boolean isAngles(Pair p, Value result) {
    return p.first.type().equals(result.type()) && p.second.type().equals(result.type())
        && isWide(p.cos, result) && isWide(p.sin, result);
  }

  private static @Nullable Value interleaved(Op op, List<Value> parts, Rewriter to) {
    Value first = unstacked(parts.get(0));
    Value second = unstacked(parts.get(1));
    Pair p = first == null || second == null ? null : pair(first, second);
    if (first == null || p == null) {
      return null;
    }
    Value x = covered(p.first, p.second, first.type().dim(-1), Dim.ONE, 2, to);
    if (x == null) {
      return null;
    }
    Value rope = to.add(new Op.Rope(x, p.cos, p.sin, Op.RopeLayout.INTERLEAVED));
    return Patterns.reshape(to, rope, op.infer().shape());
  }

  private static @Nullable Value unstacked(Value v) {
    return v.op() instanceof Op.Reshape(var x, var s)
        && s.equals(Patterns.concat(shape(x).dims(), Dim.ONE)) ? x : null;
  }

  private static @Nullable Value split(Op op, List<Value> parts, Rewriter to) {
    Pair p = pair(parts.get(0), parts.get(1));
    if (p == null) {
      return null;
    }
    Dim half = parts.getFirst().type().dim(-1);
    Value x = covered(p.first, p.second, half, half, 1, to);
    return x == null || !x.type().equals(op.infer()) ? null
        : to.add(new Op.Rope(x, twice(p.cos, to), twice(p.sin, to), Op.RopeLayout.HALVES));
  }

  private static Value twice(Value angles, Rewriter to) {
    return to.add(new Op.Concat(List.of(angles, angles), angles.type().rank() - 1));
  }

  /// What two slices cover together, seen through views that leave the last axis alone.
  private static @Nullable Value covered(Value a, Value b, Dim half, Dim distance, long step, Rewriter to) {
    int last = a.type().rank() - 1;
    if (a.op() instanceof Op.Slice(var x, int axis, var start, var size, long by)
        && b.op() instanceof Op.Slice(var y, int axisB, var startB, var sizeB, long byB)
        && x.equals(y) && axis == last && axisB == last && by == step && byB == step
        && size.equals(half) && sizeB.equals(half) && startB.equals(start.plus(distance))) {
      return to.add(new Op.Slice(x, last, start, half.times(2), 1));
    }
    if (a.op() instanceof Op.Reshape(var x, var s) && b.op() instanceof Op.Reshape(var y, var _)
        && x.type().rank() >= 1 && x.type().dim(-1).equals(half)) {
      Value inner = covered(x, y, half, distance, step, to);
      return inner == null ? null : Patterns.reshape(to, inner, s.with(-1, half.times(2)));
    }
    if (a.op() instanceof Op.Permute(var x, var axes) && b.op() instanceof Op.Permute(var y, var axesB)
        && axes.equals(axesB) && axes.get(last) == last) {
      Value inner = covered(x, y, half, distance, step, to);
      return inner == null ? null : to.add(new Op.Permute(inner, axes));
    }
    return null;
  }
}
