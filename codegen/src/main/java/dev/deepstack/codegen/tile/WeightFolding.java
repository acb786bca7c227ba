package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.program.WeightRecipe.Piece;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads a matrix operand that consists of checkpoint tensors, seen through views and put together by concatenation, as
/// the pieces of a weight recipe: merging weights costs nothing at run time.
final class WeightFolding {
  /// A panel must not have rows of two tiles, whatever the target.
  private static final int LANES_MAX = 16;
  /// Kernels scale rows of x in pieces of whole tiles, and lines of 8-bit weights have four columns.
  private static final int TILE_COLUMNS_MAX = 256;

  /// A pixel of zeros lies on the stack.
  private static final long CHANNELS_MAX = 8192;
  /// Every tap is code of its own.
  private static final long TAPS_MAX = 64;

  private WeightFolding() {}

  /// A strided window on a named weight.
  private record Window(String weight, Shape shape, Dim offset, List<Dim> strides) {
    Window over(Op.View view) {
      // An operand of a pretended buffer does the stride arithmetic.
      var operand = new Operand(0, new dev.deepstack.tensor.TensorType(DType.U8, shape), offset, strides);
      Operand moved = Views.apply(view, operand);
      return moved == null ? NONE : new Window(weight, moved.shape(), moved.offset(), moved.strides());
    }
  }

  private static final Window NONE = new Window("", Shape.SCALAR, Dim.ZERO, List.of());

  /// Whether [#recipe] can pack the value.
  static boolean isFoldable(Value w) {
    if (w.op() instanceof Op.Dequantize(var rows, var _)) {
      List<Piece> pieces = rows.type().shape().isStatic() ? pieces(rows) : null;
      return pieces != null && pieces.stream().allMatch(p -> p.columnStride() == 1);
    }
    if (w.op() instanceof Op.ScaleTiles s) {
      return s.rows() % LANES_MAX == 0 && s.columns() % 4 == 0 && s.columns() <= TILE_COLUMNS_MAX
          && isFoldable(s.x());
    }
    DType dtype = w.type().dtype();
    boolean stored = dtype == DType.F32 || dtype == DType.BF16 || dtype == DType.F16
        || dtype == DType.F8E4M3;
    boolean fixed = w.type().shape().dims().stream().allMatch(d -> d.isConstant() && d.constant() > 0);
    return stored && fixed && pieces(w) != null;
  }

  /// The panels of `w`, `[n,k]` or `[e,n,k]`.
  static WeightRecipe recipe(Value w) {
    BlockFormat blocks = w.op() instanceof Op.Dequantize d ? d.format() : null;
    Value stored = stored(w);
    Shape shape = stored.type().shape();
    long groups = shape.rank() == 3 ? shape.dim(0).constant() : 1;
    List<Piece> pieces = java.util.Objects.requireNonNull(pieces(stored));
    return new WeightRecipe(WeightRecipe.Layout.PANELS, stored.type().dtype(), blocks, groups, shape.dim(-2).constant(),
        shape.dim(-1).constant(), pieces);
  }

  /// Whether [#recipe(Op.Convolution, WeightRecipe.Layout)] can pack the weights of a convolution.
  static boolean isFoldable(Op.Convolution op) {
    Value w = op.w();
    DType dtype = w.type().dtype();
    return (dtype == DType.F32 || dtype == DType.BF16 || dtype == DType.F16)
        && w.type().shape().dims().stream().allMatch(d -> d.isConstant() && d.constant() > 0)
        && piece(w) != null;
  }

  /// Whether each channel is convolved by itself, with weights that can be packed.
  static boolean isDepthwise(Op.Convolution op) {
    Shape w = op.w().type().shape();
    return op.groups() > 1 && w.dim(-1).is(1) && w.dim(0).is(op.groups()) && op.w().type().dtype() == DType.F32
        && isFoldable(op) && w.dim(0).constant() <= CHANNELS_MAX
        && w.elements().constant() / w.dim(0).constant() <= TAPS_MAX;
  }

  /// The panels of `w [o,k…,c]`: a row is one result's taps, channels innermost.
  static WeightRecipe recipe(Op.Convolution op, WeightRecipe.Layout layout) {
    Shape shape = op.w().type().shape();
    long rows = shape.dim(0).constant();
    return new WeightRecipe(layout, op.w().type().dtype(), null, 1, rows,
        shape.elements().constant() / rows, List.of(java.util.Objects.requireNonNull(piece(op.w()))));
  }

  /// The taps of all spatial axes as one run, or null when their strides are uneven.
  private static @Nullable Piece piece(Value w) {
    Window window = window(w);
    if (window.equals(NONE) || !window.strides.stream().allMatch(Dim::isConstant)) {
      return null;
    }
    int last = window.shape.rank() - 1;
    long stride = 0;
    long taps = 1;
    for (int i = last - 1; i >= 1; i--) {
      long extent = window.shape.dim(i).constant();
      if (extent == 1) {
        continue;
      }
      long here = window.strides.get(i).constant();
      if (taps == 1) {
        stride = here;
      } else if (here != stride * taps) {
        return null;
      }
      taps *= extent;
    }
    return new Piece(window.weight, window.offset.constant(), window.shape.dim(0).constant(), 0,
        window.strides.get(0).constant(), stride, window.shape.dim(last).constant(),
        window.strides.get(last).constant());
  }

  /// The numbers or codes of a weight as the checkpoint has them.
  static Value stored(Value w) {
    return switch (w.op()) {
      case Op.Dequantize(var x, var _) -> x;
      case Op.ScaleTiles(var x, var _, int _, int _) -> x;
      default -> w;
    };
  }

  private static @Nullable List<Piece> pieces(Value w) {
    int rows = w.type().rank() - 2;
    if (rows < 0 || rows > 1) {
      return null;
    }
    List<Value> parts = w.op() instanceof Op.Concat(var list, int axis) && axis == rows ? list : List.of(w);
    var pieces = new ArrayList<Piece>();
    for (Value part : parts) {
      Window window = window(part);
      if (window.equals(NONE) || !window.strides.stream().allMatch(Dim::isConstant)) {
        return null;
      }
      List<Dim> strides = window.strides;
      pieces.add(new Piece(window.weight, window.offset.constant(), window.shape.dim(-2).constant(),
          rows == 1 ? strides.get(0).constant() : 0, strides.get(rows).constant(), strides.get(rows + 1).constant()));
    }
    return pieces;
  }

  private static Window window(Value w) {
    if (!w.type().shape().isStatic()) {
      return NONE;
    }
    return switch (w.op()) {
      case Op.Weight(String name, var type) -> new Window(name, type.shape(), Dim.ZERO, type.shape().strides());
      case Op.View view -> {
        Window inner = window(view.x());
        yield inner.equals(NONE) ? NONE : inner.over(view);
      }
      default -> NONE;
    };
  }
}
