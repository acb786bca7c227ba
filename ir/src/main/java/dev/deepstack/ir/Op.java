package dev.deepstack.ir;

import static dev.deepstack.ir.Shapes.broadcast;
import static dev.deepstack.ir.Shapes.require;
import static dev.deepstack.ir.Shapes.sameDtype;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The opset, whole, on one page. An op is one record: `Value` components are operands, the rest are attributes.
///
/// Every op has one result. A primitive must be handled by every target and by the interpreter, which is its meaning;
/// a composite is defined by [Composite#expand] and a target may claim it whole. Element-wise ops broadcast their
/// operands as NumPy does; operands of one op have one dtype unless its doc says otherwise.
public sealed interface Op {
  /// The type of the result.
  ///
  /// @throws IrException when the operands do not fit
  TensorType infer();

  /// An op that every target must handle.
  sealed interface Primitive extends Op {}

  /// An op defined by other ops.
  sealed interface Composite extends Op {
    /// The same value by simpler ops, added to `g`.
    Value expand(Graph g);
  }

  /// A value that comes from outside the graph.
  sealed interface Source extends Primitive {
    TensorType type();

    @Override
    default TensorType infer() {
      return type();
    }
  }

  /// Element-wise, one operand.
  sealed interface Unary extends Primitive {
    Value x();

    @Override
    default TensorType infer() {
      return x().type();
    }
  }

  /// Element-wise, two operands of one dtype.
  sealed interface Binary extends Primitive {
    Value a();

    Value b();

    @Override
    default TensorType infer() {
      sameDtype(this, a(), b());
      return new TensorType(a().type().dtype(), broadcast(this, a(), b()));
    }
  }

  /// A binary op whose result is bool.
  sealed interface Comparison extends Binary {
    @Override
    default TensorType infer() {
      return Binary.super.infer().withDtype(DType.BOOL);
    }
  }

  /// The same elements in the same order of storage or a subset of them: no arithmetic.
  sealed interface View extends Primitive {
    Value x();
  }

  /// Folds whole axes; they stay with extent 1 when `keep`.
  sealed interface Reduction extends Primitive {
    Value x();

    /// Ascending, non-negative, at least one.
    List<Integer> axes();

    boolean keep();

    @Override
    default TensorType infer() {
      return x().type().withShape(Shapes.reduce(this, x().type().shape(), axes(), keep()));
    }
  }

  // ---- sources

  /// A tensor the caller passes.
  record Input(String name, TensorType type) implements Source {}

  /// A buffer that lives between calls, as it is before this call.
  record State(String name, TensorType type) implements Source {}

  /// A named tensor of the checkpoint; its bytes stay there. A `*` in the name stands for the index along the first
  /// axis: the checkpoint then holds one tensor per index, `experts.0.up`, `experts.1.up` and so on.
  record Weight(String name, TensorType type) implements Source {}

  /// A scalar. Integers are exact up to 2^53 in `value`; the result is `value` rounded to `dtype`.
  record Constant(double value, DType dtype) implements Primitive {
    @Override
    public TensorType infer() {
      return TensorType.scalar(dtype);
    }
  }

  /// A symbolic extent as an i64 scalar.
  record DimValue(Dim dim) implements Primitive {
    @Override
    public TensorType infer() {
      return TensorType.scalar(DType.I64);
    }
  }

  /// `0, 1, … extent-1` as i64[extent].
  record Iota(Dim extent) implements Primitive {
    @Override
    public TensorType infer() {
      return new TensorType(DType.I64, Shape.of(extent));
    }
  }

  // ---- element-wise

  record Neg(Value x) implements Unary {}

  record Abs(Value x) implements Unary {}

  /// -1, 0 or 1; NaN stays.
  record Sign(Value x) implements Unary {}

  record Exp(Value x) implements Unary {}

  record Expm1(Value x) implements Unary {}

  record Log(Value x) implements Unary {}

  record Log1p(Value x) implements Unary {}

  record Sqrt(Value x) implements Unary {}

  record Rsqrt(Value x) implements Unary {}

  record Sin(Value x) implements Unary {}

  record Cos(Value x) implements Unary {}

  record Tanh(Value x) implements Unary {}

  /// `1 / (1 + exp(-x))`.
  record Sigmoid(Value x) implements Unary {}

  record Erf(Value x) implements Unary {}

  record Floor(Value x) implements Unary {}

  record Ceil(Value x) implements Unary {}

  /// To the nearest integer, halves to even.
  record Round(Value x) implements Unary {}

  record Trunc(Value x) implements Unary {}

  /// Logical for bool, bitwise for integers.
  record Not(Value x) implements Unary {}

  /// bool: is the element NaN?
  record IsNan(Value x) implements Unary {
    @Override
    public TensorType infer() {
      return x.type().withDtype(DType.BOOL);
    }
  }

  record Add(Value a, Value b) implements Binary {}

  record Sub(Value a, Value b) implements Binary {}

  record Mul(Value a, Value b) implements Binary {}

  /// Floats: IEEE division. Integers: toward zero; by zero gives 0.
  record Div(Value a, Value b) implements Binary {}

  /// Division rounded toward minus infinity, floats and integers; an integer by zero gives 0.
  record FloorDiv(Value a, Value b) implements Binary {}

  /// `a - floor(a / b) * b`, the sign of the divisor; an integer by zero gives 0.
  record Rem(Value a, Value b) implements Binary {}

  /// Floats only.
  record Pow(Value a, Value b) implements Binary {}

  /// NaN when either is NaN.
  record Max(Value a, Value b) implements Binary {}

  /// NaN when either is NaN.
  record Min(Value a, Value b) implements Binary {}

  /// Logical for bool, bitwise for integers.
  record And(Value a, Value b) implements Binary {}

  record Or(Value a, Value b) implements Binary {}

  record Xor(Value a, Value b) implements Binary {}

  record Eq(Value a, Value b) implements Comparison {}

  record Ne(Value a, Value b) implements Comparison {}

  record Lt(Value a, Value b) implements Comparison {}

  record Le(Value a, Value b) implements Comparison {}

  record Gt(Value a, Value b) implements Comparison {}

  record Ge(Value a, Value b) implements Comparison {}

  /// `condition ? a : b`, the condition bool, all three broadcast.
  record Select(Value condition, Value a, Value b) implements Primitive {
    @Override
    public TensorType infer() {
      sameDtype(this, a, b);
      require(this, condition.type().dtype() == DType.BOOL, "the condition must be bool");
      return new TensorType(a.type().dtype(), broadcast(this, condition, a, b));
    }
  }

  /// Conversion: float to integer toward zero, to a narrower float to nearest even, anything to bool by `!= 0`.
  record Cast(Value x, DType dtype) implements Primitive {
    @Override
    public TensorType infer() {
      return x.type().withDtype(dtype);
    }
  }

  // ---- views

  /// The same elements, row-major, in another shape.
  record Reshape(Value x, Shape shape) implements View {
    @Override
    public TensorType infer() {
      require(this, x.type().shape().elements().equals(shape.elements()), "the element counts differ");
      return x.type().withShape(shape);
    }
  }

  /// Axis `i` of the result is axis `axes[i]` of `x`.
  record Permute(Value x, List<Integer> axes) implements View {
    @Override
    public TensorType infer() {
      require(this, axes.stream().sorted().toList().equals(Shapes.range(x.type().rank())), "not a permutation");
      return x.type().withShape(new Shape(axes.stream().map(a -> x.type().dim(a)).toList()));
    }
  }

  /// Broadcast to `shape`, NumPy's rule.
  record Expand(Value x, Shape shape) implements View {
    @Override
    public TensorType infer() {
      require(this, Shapes.expands(x.type().shape(), shape), "cannot broadcast " + x.type() + " to " + shape);
      return x.type().withShape(shape);
    }
  }

  /// `size` elements of an axis from `start`, every `step`-th; a negative step walks backwards.
  record Slice(Value x, int axis, Dim start, Dim size, long step) implements View {
    @Override
    public TensorType infer() {
      require(this, step != 0, "step 0");
      return x.type().withShape(x.type().shape().with(axis, size));
    }
  }

  /// Windows along an axis, which may overlap: `result[…, i, j, …] = x[…, i*step + j*dilation, …]`, where the axes
  /// `count` and `size` stand for the one axis of `x`.
  record Windows(Value x, int axis, Dim count, long size, long step, long dilation) implements View {
    @Override
    public TensorType infer() {
      return x.type().withShape(Shapes.windows(this));
    }
  }

  // ---- assembling

  /// Operands one after another along an axis.
  record Concat(List<Value> parts, int axis) implements Primitive {
    @Override
    public TensorType infer() {
      return Shapes.concat(this, parts, axis);
    }
  }

  /// `low` and `high` elements of `value` around `x`, per axis.
  record Pad(Value x, List<Dim> low, List<Dim> high, double value) implements Primitive {
    @Override
    public TensorType infer() {
      require(this, low.size() == x.type().rank() && high.size() == x.type().rank(), "one pair per axis");
      var dims = new ArrayList<Dim>();
      for (int i = 0; i < low.size(); i++) {
        dims.add(x.type().dim(i).plus(low.get(i)).plus(high.get(i)));
      }
      return x.type().withShape(new Shape(dims));
    }
  }

  // ---- reductions and scans

  record ReduceSum(Value x, List<Integer> axes, boolean keep) implements Reduction {}

  record ReduceProd(Value x, List<Integer> axes, boolean keep) implements Reduction {}

  /// NaN when any element is; for bool: any. An empty axis is an error except for bool (false).
  record ReduceMax(Value x, List<Integer> axes, boolean keep) implements Reduction {}

  /// NaN when any element is; for bool: all. An empty axis is an error except for bool (true).
  record ReduceMin(Value x, List<Integer> axes, boolean keep) implements Reduction {}

  /// i64 index of the first largest element along an axis (NaN counts as largest); the axis is removed.
  record ArgMax(Value x, int axis) implements Primitive {
    @Override
    public TensorType infer() {
      return new TensorType(DType.I64, x.type().shape().without(axis));
    }
  }

  /// Inclusive running sum along an axis.
  record CumSum(Value x, int axis) implements Unary {}

  // ---- order

  /// i64 indices of the `k` largest (or smallest) elements of the last axis, best first, ties by lowest index; NaN
  /// counts as largest.
  record TopK(Value x, long k, boolean largest) implements Primitive {
    @Override
    public TensorType infer() {
      return new TensorType(DType.I64, x.type().shape().with(-1, Dim.of(k)));
    }
  }

  /// i64 indices that sort the last axis, stable; NaN counts as largest.
  record ArgSort(Value x, boolean descending) implements Primitive {
    @Override
    public TensorType infer() {
      return x.type().withDtype(DType.I64);
    }
  }

  // ---- indexing (indices are i64 or i32, in range, never negative)

  /// Whole slices of an axis: `x[:axis] + indices + x[axis+1:]` is the result's shape.
  record Gather(Value x, Value indices, int axis) implements Primitive {
    @Override
    public TensorType infer() {
      return x.type().withShape(Shapes.gather(this, x.type().shape(), indices.type().shape(), axis));
    }
  }

  /// `result[i…][j] = x[i…][indices[i…][j]]` along `axis`: `torch.gather`. Other extents of `indices` may be smaller.
  record TakeAlong(Value x, Value indices, int axis) implements Primitive {
    @Override
    public TensorType infer() {
      require(this, x.type().rank() == indices.type().rank(), "ranks differ");
      return x.type().withShape(indices.type().shape());
    }
  }

  /// What scattering does where it hits: the new element, or what it makes of the old one and the new one.
  enum Combine { SET, ADD, MUL, MAX, MIN }

  /// `x` with the slices of `axis` named by `indices` set to (or combined with) those of `source`, whose shape is that
  /// of `Gather(x, indices, axis)`. Later duplicates win for SET.
  record Scatter(Value x, Value indices, Value source, int axis, Combine combine) implements Primitive {
    @Override
    public TensorType infer() {
      sameDtype(this, x, source);
      var expected = Shapes.gather(this, x.type().shape(), indices.type().shape(), axis);
      require(this, source.type().shape().equals(expected), "the source must have shape " + expected);
      return x.type();
    }
  }

  /// `result = x; result[i…][indices[i…][j]] (+)= source[i…][j]` along `axis`: `torch.scatter`.
  record ScatterAlong(Value x, Value indices, Value source, int axis, Combine combine) implements Primitive {
    @Override
    public TensorType infer() {
      sameDtype(this, x, source);
      require(this, x.type().rank() == indices.type().rank(), "ranks differ");
      require(this, source.type().shape().equals(indices.type().shape()), "source and indices differ in shape");
      return x.type();
    }
  }

  // ---- contractions (float accumulation is at least f32)

  /// `[…,m,k] x […,k,n] -> […,m,n]`; leading axes broadcast.
  record MatMul(Value a, Value b) implements Primitive {
    @Override
    public TensorType infer() {
      sameDtype(this, a, b);
      return a.type().withShape(Shapes.matmul(this, a.type().shape(), b.type().shape()));
    }
  }

  /// Rows `[offsets[e-1], offsets[e])` of `x [m,k]` times `w[e]` of `w [e,k,n]`; rows past the last offset are 0.
  record GroupedMatMul(Value x, Value w, Value offsets) implements Primitive {
    @Override
    public TensorType infer() {
      sameDtype(this, x, w);
      require(this, x.type().rank() == 2 && w.type().rank() == 3, "[m,k] x [e,k,n] expected");
      require(this, x.type().dim(1).equals(w.type().dim(1)), "inner dimensions differ");
      require(this, offsets.type().shape().equals(Shape.of(w.type().dim(0))), "one offset per group");
      return x.type().withShape(Shape.of(x.type().dim(0), w.type().dim(2)));
    }
  }

  /// Weights in a block storage format to f32: x u8 `[…,rowBytes]` to `[…,k]`, row by row; a row holds whole blocks.
  record Dequantize(Value x, BlockFormat format) implements Primitive {
    @Override
    public TensorType infer() {
      return Shapes.dequantize(this);
    }
  }

  // ---- control

  /// `condition ? a : b` for whole tensors of one type, the condition a bool scalar. What comes after
  /// the condition and only the operand not chosen needs is not computed and cannot fault.
  record Choose(Value condition, Value a, Value b) implements Primitive {
    @Override
    public TensorType infer() {
      require(this, condition.type().equals(TensorType.scalar(DType.BOOL)), "the condition must be a bool scalar");
      require(this, a.type().equals(b.type()), "both must be of one type");
      return a.type();
    }
  }

  /// One of the results of a loop that begins with `initial` and repeats `body`: the last value of what it carries, or
  /// what it gives every time, stacked along a new first axis. Ops that differ in `result` alone are one loop.
  ///
  /// @param given values that the body reads and that stay as they are
  /// @param result the carried values first, then the stacked ones
  record Loop(List<Value> initial, List<Value> given, Body body, int result) implements Primitive {
    public Loop {
      initial = List.copyOf(initial);
      given = List.copyOf(given);
    }

    @Override
    public TensorType infer() {
      return body.infer(this);
    }
  }

  // ---- composites

  /// `exp(x - max) / sum(exp(x - max))` along an axis.
  record Softmax(Value x, int axis) implements Composite {
    @Override
    public TensorType infer() {
      return x.type();
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.softmax(g, this);
    }
  }

  /// `x * sigmoid(x)`.
  record Silu(Value x) implements Composite {
    @Override
    public TensorType infer() {
      return x.type();
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.silu(g, this);
    }
  }

  /// Gaussian error unit; `tanh` picks the tanh approximation.
  record Gelu(Value x, boolean tanh) implements Composite {
    @Override
    public TensorType infer() {
      return x.type();
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.gelu(g, this);
    }
  }

  /// `x * rsqrt(mean(x^2) + epsilon) * weight` over the last axis, in f32 at least; weight `[d]` or absent.
  record RmsNorm(Value x, @Nullable Value weight, double epsilon) implements Composite {
    @Override
    public TensorType infer() {
      return x.type();
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.rmsNorm(g, this);
    }
  }

  /// `(x - mean) * rsqrt(variance + epsilon) * weight + bias` over the last axis, in f32 at least.
  record LayerNorm(Value x, @Nullable Value weight, @Nullable Value bias, double epsilon) implements Composite {
    @Override
    public TensorType infer() {
      return x.type();
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.layerNorm(g, this);
    }
  }

  /// `x […,k] * w[n,k]^T + bias[n]`. `w` may be of a narrower float dtype than `x`: a storage format, widened exactly.
  record Linear(Value x, Value w, @Nullable Value bias) implements Composite {
    @Override
    public TensorType infer() {
      require(this, w.type().rank() == 2 && x.type().rank() >= 1, "[…,k] x [n,k] expected");
      require(this, x.type().dim(-1).equals(w.type().dim(1)), "inner dimensions differ");
      require(this, bias == null || bias.type().shape().equals(Shape.of(w.type().dim(0))), "bias must be [n]");
      return x.type().withShape(x.type().shape().with(-1, w.type().dim(0)));
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.linear(g, this);
    }
  }

  /// Convolution with channels last: x `[n,d…,c]`, w `[o,k…,c/groups]` in any float dtype; `[n,e…,o]`. Each spatial
  /// axis has a step of its window, a distance between its taps, and zeros before and after (negative ones cut):
  /// `e = (d + low + high - dilation*(k-1) - 1) / stride + 1`. Group `i` of the channels makes that of the results.
  record Convolution(
      Value x, Value w, List<Integer> strides, List<Integer> dilations, List<Integer> low, List<Integer> high,
      int groups) implements Composite {
    @Override
    public TensorType infer() {
      return Shapes.convolution(this);
    }

    @Override
    public Value expand(Graph g) {
      return WindowExpansions.convolution(g, this);
    }
  }

  /// How rotary pairs lie in the last axis.
  enum RopeLayout {
    /// Element `i` pairs with `i + d/2`; cos and sin are `d` wide.
    HALVES,
    /// Element `2i` pairs with `2i+1`; cos and sin are `d/2` wide.
    INTERLEAVED
  }

  /// Rotates pairs of the last axis by angles given as cos and sin, which broadcast to `x`.
  record Rope(Value x, Value cos, Value sin, RopeLayout layout) implements Composite {
    @Override
    public TensorType infer() {
      sameDtype(this, x, cos);
      sameDtype(this, x, sin);
      return x.type();
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.rope(g, this);
    }
  }

  /// `softmax(q k^T * scale + mask) v`: q `[…,t,d]`, k `[…,s,d]`, v `[…,s,e]` to `[…,t,e]`; leading axes broadcast.
  /// The mask broadcasts to `[…,t,s]`: bool (true keeps) or additive float. `causal` keeps `s <= t`. A row
  /// without any allowed key gives 0.
  record Attention(Value q, Value k, Value v, @Nullable Value mask, double scale, boolean causal)
      implements Composite {
    @Override
    public TensorType infer() {
      return Shapes.attention(this);
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.attention(g, this);
    }
  }

  /// The nonlinearity between the two halves of a gated MLP.
  enum Activation { SILU, GELU, GELU_TANH, RELU, SIGMOID }

  /// `down(act(gate(x)) * up(x))` with weights gate, up `[f,d]` and down `[o,f]` in any storage dtype.
  record GatedMlp(Value x, Value gate, Value up, Value down, Activation activation) implements Composite {
    @Override
    public TensorType infer() {
      require(this, gate.type().shape().equals(up.type().shape()), "gate and up differ in shape");
      require(this, down.type().dim(1).equals(gate.type().dim(0)), "down does not fit gate");
      return x.type().withShape(x.type().shape().with(-1, down.type().dim(0)));
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.gatedMlp(g, this);
    }
  }

  /// `result[i,j] = w[ids[i,j]] * x[i,j]`: a linear layer whose weight each row chooses. x `[n,d]` (shared by the `k`
  /// choices of a row) or `[n,k,d]`, w `[e,o,d]` in any storage dtype, ids `[n,k]`; result `[n,k,o]`. Only the chosen
  /// experts' bytes are read.
  record RoutedLinear(Value x, Value w, Value ids) implements Composite {
    @Override
    public TensorType infer() {
      return Shapes.routedLinear(this);
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.routedLinear(g, this);
    }
  }

  /// Routed gated feed-forward: for row `i` the sum over `j` of `gates[i,j] * down[e](act(gate[e](x)) * up[e](x))` with
  /// `e = ids[i,j]`. x `[n,d]`, ids and gates `[n,k]`, gateUp `[e,2f,d]` (gate rows first), down `[e,o,f]`; `[n,o]`.
  record RoutedExperts(Value x, Value ids, Value gates, Value gateUp, Value down, Activation activation)
      implements Composite {
    @Override
    public TensorType infer() {
      require(this, gateUp.type().dim(1).equals(down.type().dim(2).times(2)), "gateUp must hold two halves");
      return x.type().withShape(Shape.of(x.type().dim(0), down.type().dim(1)));
    }

    @Override
    public Value expand(Graph g) {
      return Expansions.routedExperts(g, this);
    }
  }

  /// Stored floats `[…,n,k]` to f32, each tile of `rows` x `columns` times a scale of its own: element (i,j) times
  /// `scales[…,i/rows,j/columns]`; the last tiles may be cut.
  record ScaleTiles(Value x, Value scales, int rows, int columns) implements Composite {
    @Override
    public TensorType infer() {
      return Shapes.scaleTiles(this);
    }

    @Override
    public Value expand(Graph g) {
      return BlockExpansions.scaleTiles(g, this);
    }
  }

  /// The nearest values that 8-bit codes with one f32 scale per `group` elements of the last axis can say:
  /// `s = max|x| / 127`, `s * round_to_even(x * 127 / max|x|)`. What a linear layer with block weights computes with.
  record Int8Blocks(Value x, int group) implements Composite {
    @Override
    public TensorType infer() {
      require(this, x.type().dtype() == DType.F32, "f32 expected");
      Dim last = x.type().dim(-1);
      require(this, group > 0 && last.isConstant() && last.constant() % group == 0, "whole groups expected");
      return x.type();
    }

    @Override
    public Value expand(Graph g) {
      return BlockExpansions.int8Blocks(g, this);
    }
  }

  /// Softmax attention of tokens over caches in pages. q `[T,H,D]` f32; k `[S,G,D]` and v `[S,G,E]` are cache slots,
  /// each of the G heads serving H/G query heads; a narrow cache is widened, an i8 one times kScale, vScale `[S,G]`.
  ///
  /// Token t belongs to sequence `b = sequences[t]`, whose position p lies in slot
  /// `pages[b, p/pageSize] * pageSize + p%pageSize`, and sees positions `0..positions[t]`, only the last `window` of
  /// them when `window > 0`. A score s, scaled, becomes `cap * tanh(s / cap)` when `cap > 0`. sinks `[H]` are logits
  /// that join each head's softmax without a value. Result `[T,H,E]`.
  record PagedAttention(
      Value q, Value k, Value v, @Nullable Value kScale, @Nullable Value vScale, Value positions, Value sequences,
      Value pages, @Nullable Value sinks, double scale, double cap, long window, int pageSize) implements Composite {
    @Override
    public TensorType infer() {
      return Shapes.pagedAttention(this);
    }

    @Override
    public Value expand(Graph g) {
      return BlockExpansions.pagedAttention(g, this);
    }
  }
}
