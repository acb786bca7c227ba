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

  static Shape windows(Op.Windows op) {
    require(op, op.size() >= 1 && op.step() >= 1 && op.dilation() >= 1, "sizes and steps must be positive");
    require(op, op.axis() >= 0 && op.axis() < op.x().type().rank(), "no such axis");
    var dims = new ArrayList<>(op.x().type().shape().dims());
    dims.set(op.axis(), op.count());
    dims.add(op.axis() + 1, Dim.of(op.size()));
    return new Shape(dims);
  }

  /// How many windows of `size` taps fit.
  public static Dim windows(Dim extent, long size, long step, long dilation) {
    return extent.minus(dilation * (size - 1) + 1).floorDiv(step).plus(1);
  }

  static TensorType convolution(Op.Convolution op) {
    TensorType x = op.x().type();
    TensorType w = op.w().type();
    int space = x.rank() - 2;
    require(op, space >= 1 && w.rank() == x.rank(), "x [n,d…,c] and w [o,k…,c] expected");
    for (var list : List.of(op.strides(), op.dilations(), op.low(), op.high())) {
      require(op, list.size() == space, "one number per spatial axis expected");
    }
    require(op, op.groups() >= 1 && x.dim(-1).equals(w.dim(-1).times(op.groups()))
        && w.dim(0).floorDiv(op.groups()).times(op.groups()).equals(w.dim(0)), "channels and groups do not fit");
    var dims = new ArrayList<Dim>();
    dims.add(x.dim(0));
    for (int i = 0; i < space; i++) {
      require(op, w.dim(i + 1).isConstant(), "a window must have a fixed size");
      require(op, op.strides().get(i) >= 1 && op.dilations().get(i) >= 1, "steps must be positive");
      Dim padded = x.dim(i + 1).plus(op.low().get(i)).plus(op.high().get(i));
      dims.add(windows(padded, w.dim(i + 1).constant(), op.strides().get(i), op.dilations().get(i)));
    }
    dims.add(w.dim(0));
    return x.withShape(new Shape(dims));
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

  static TensorType dequantize(Op.Dequantize op) {
    TensorType x = op.x().type();
    require(op, x.dtype() == DType.U8 && x.rank() >= 1 && x.dim(-1).isConstant(), "u8 rows expected");
    long bytes = x.dim(-1).constant();
    require(op, bytes % op.format().bytes() == 0, "a row must hold whole blocks of " + op.format().bytes() + " bytes");
    Dim k = Dim.of(bytes / op.format().bytes() * op.format().weights());
    return new TensorType(DType.F32, x.shape().with(-1, k));
  }

  static TensorType scaleTiles(Op.ScaleTiles op) {
    TensorType x = op.x().type();
    TensorType scales = op.scales().type();
    require(op, x.dtype().isFloat() && scales.dtype() == DType.F32 && x.rank() >= 2 && scales.rank() == x.rank(),
        "[…,n,k] and f32 scales of the same rank expected");
    require(op, op.rows() > 0 && op.columns() > 0, "tiles must not be empty");
    Shape tiles = x.shape().with(-2, tiles(x.dim(-2), op.rows())).with(-1, tiles(x.dim(-1), op.columns()));
    require(op, scales.shape().equals(tiles), "scales must be " + tiles);
    return x.withDtype(DType.F32);
  }

  private static Dim tiles(Dim extent, int size) {
    return extent.plus(size - 1).floorDiv(size);
  }

  static TensorType pagedAttention(Op.PagedAttention op) {
    TensorType q = op.q().type();
    TensorType k = op.k().type();
    TensorType v = op.v().type();
    require(op, q.dtype() == DType.F32 && q.rank() == 3 && k.rank() == 3 && v.rank() == 3,
        "q f32 [T,H,D], k [S,G,D], v [S,G,E] expected");
    require(op, q.dim(2).equals(k.dim(2)) && k.dim(0).equals(v.dim(0)) && k.dim(1).equals(v.dim(1)),
        "q, k and v do not fit");
    require(op, q.dim(1).isConstant() && k.dim(1).isConstant()
        && q.dim(1).constant() % k.dim(1).constant() == 0, "the query heads must be a multiple of the cache heads");
    Shape scales = Shape.of(k.dim(0), k.dim(1));
    for (Value s : java.util.Arrays.asList(op.kScale(), op.vScale())) {
      require(op, s == null || s.type().equals(new TensorType(DType.F32, scales)), "scales must be f32 " + scales);
    }
    TensorType each = new TensorType(DType.I64, Shape.of(q.dim(0)));
    require(op, op.positions().type().equals(each) && op.sequences().type().equals(each),
        "positions and sequences must be " + each);
    require(op, op.pages().type().dtype() == DType.I64 && op.pages().type().rank() == 2, "pages must be i64 [B,N]");
    Value sinks = op.sinks();
    require(op, sinks == null || sinks.type().shape().equals(Shape.of(q.dim(1))), "sinks must be [H]");
    require(op, op.window() >= 0 && op.pageSize() > 0, "window and page size must not be negative");
    return q.withShape(Shape.of(q.dim(0), q.dim(1), v.dim(2)));
  }
}
