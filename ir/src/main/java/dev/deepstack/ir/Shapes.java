package dev.deepstack.ir;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// The shape rules that several ops share.
public final class Shapes {
  private Shapes() {}

  static void require(Op op, boolean condition, String otherwise) {
    if (!condition) {
      throw new IrException(describe(op) + ": " + otherwise);
    }
  }

  static void sameDtype(Op op, Value a, Value b) {
    require(op, a.type().dtype() == b.type().dtype(), "operands of different dtypes");
  }

  static String describe(Op op) {
    var types = OpSchema.operands(op).stream().map(v -> v + ": " + v.type()).toList();
    return OpSchema.name(op) + " (" + String.join(", ", types) + ")";
  }

  static List<Integer> range(int end) {
    return IntStream.range(0, end).boxed().toList();
  }

  /// The common shape of values under NumPy's broadcasting.
  static Shape broadcast(Op op, Value... values) {
    Shape shape = values[0].type().shape();
    for (Value v : values) {
      shape = common(op, shape, v.type().shape());
    }
    return shape;
  }

  private static Shape common(Op op, Shape a, Shape b) {
    Shape shape = broadcast(a, b);
    if (shape == null) {
      throw new IrException(describe(op) + ": " + a + " and " + b + " do not broadcast");
    }
    return shape;
  }

  /// The common shape, or null when there is none.
  public static @org.jspecify.annotations.Nullable Shape broadcast(Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    var dims = new ArrayList<Dim>();
    for (int i = 0; i < rank; i++) {
      int ai = i - rank + a.rank();
      int bi = i - rank + b.rank();
      Dim da = ai < 0 ? Dim.ONE : a.dim(ai);
      Dim db = bi < 0 ? Dim.ONE : b.dim(bi);
      if (!da.equals(db) && !da.is(1) && !db.is(1)) {
        return null;
      }
      dims.add(da.is(1) ? db : da);
    }
    return new Shape(dims);
  }

  static boolean expands(Shape from, Shape to) {
    return from.rank() <= to.rank() && to.equals(broadcast(from, to));
  }

  static Shape reduce(Op op, Shape x, List<Integer> axes, boolean keep) {
    require(op, !axes.isEmpty(), "no axes to reduce");
    var dims = new ArrayList<Dim>();
    for (int i = 0; i < x.rank(); i++) {
      if (!axes.contains(i)) {
        dims.add(x.dim(i));
      } else if (keep) {
        dims.add(Dim.ONE);
      }
    }
    require(op, axes.stream().allMatch(a -> a >= 0 && a < x.rank()), "axis out of range");
    return new Shape(dims);
  }

  static TensorType concat(Op op, List<Value> parts, int axis) {
    require(op, !parts.isEmpty(), "nothing to concatenate");
    TensorType first = parts.getFirst().type();
    Dim extent = Dim.ZERO;
    for (Value part : parts) {
      sameDtype(op, parts.getFirst(), part);
      require(op, part.type().rank() == first.rank()
          && part.type().shape().without(axis).equals(first.shape().without(axis)), "parts differ beside the axis");
      extent = extent.plus(part.type().dim(axis));
    }
    return first.withShape(first.shape().with(axis, extent));
  }

  static Shape gather(Op op, Shape x, Shape indices, int axis) {
    require(op, axis >= 0 && axis < x.rank(), "axis out of range");
    var dims = new ArrayList<>(x.dims().subList(0, axis));
    dims.addAll(indices.dims());
    dims.addAll(x.dims().subList(axis + 1, x.rank()));
    return new Shape(dims);
  }

  static Shape matmul(Op op, Shape a, Shape b) {
    require(op, a.rank() >= 2 && b.rank() >= 2, "ranks of at least 2 expected");
    require(op, a.dim(-1).equals(b.dim(-2)), "inner dimensions differ");
    Shape batch = common(op, leading(a, 2), leading(b, 2));
    var dims = new ArrayList<>(batch.dims());
    dims.add(a.dim(-2));
    dims.add(b.dim(-1));
    return new Shape(dims);
  }

  private static Shape leading(Shape s, int without) {
    return new Shape(s.dims().subList(0, s.rank() - without));
  }

  static TensorType attention(Op.Attention op) {
    Shape q = op.q().type().shape();
    Shape k = op.k().type().shape();
    Shape v = op.v().type().shape();
    sameDtype(op, op.q(), op.k());
    sameDtype(op, op.q(), op.v());
    require(op, q.rank() >= 2 && q.dim(-1).equals(k.dim(-1)), "q and k differ in head width");
    require(op, k.dim(-2).equals(v.dim(-2)), "k and v differ in length");
    Shape batch = common(op, common(op, leading(q, 2), leading(k, 2)), leading(v, 2));
    var scores = new ArrayList<>(batch.dims());
    scores.add(q.dim(-2));
    scores.add(k.dim(-2));
    Value mask = op.mask();
    require(op, mask == null || expands(mask.type().shape(), new Shape(scores)), "the mask does not fit");
    require(op, mask == null || mask.type().dtype() == DType.BOOL || mask.type().dtype().isFloat(),
        "the mask must be bool or float");
    var dims = new ArrayList<>(batch.dims());
    dims.add(q.dim(-2));
    dims.add(v.dim(-1));
    return op.q().type().withShape(new Shape(dims));
  }

  static TensorType routedLinear(Op.RoutedLinear op) {
    TensorType x = op.x().type();
    TensorType w = op.w().type();
    TensorType ids = op.ids().type();
    require(op, ids.rank() == 2 && w.rank() == 3, "ids [n,k] and w [e,o,d] expected");
    boolean shared = x.rank() == 2;
    require(op, (shared || x.rank() == 3 && x.dim(1).equals(ids.dim(1)))
        && x.dim(0).equals(ids.dim(0)) && x.dim(-1).equals(w.dim(2)), "x must be [n,d] or [n,k,d]");
    return x.withShape(Shape.of(ids.dim(0), ids.dim(1), w.dim(1)));
  }
}
