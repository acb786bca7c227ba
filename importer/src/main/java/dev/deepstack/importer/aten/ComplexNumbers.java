package dev.deepstack.importer.aten;

import dev.deepstack.importer.pt2.Argument;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Complex tensors: real ones with one more axis of two, real part first, as they are stored, so that
/// `view_as_complex` and `view_as_real` change nothing. There are no complex numbers in the graph IR.
///
/// An operator either does the same to both parts, is a product of two operands, or is written out here; all others
/// are refused.
final class ComplexNumbers {
  /// A number in two parts; the second is null for a real one.
  record Complex(Value re, @Nullable Value im) {}

  /// What moves pairs about without looking at them.
  private static final Set<String> WHOLE = Set.of(
      "view_as_complex", "view_as_real", "unsqueeze", "view", "_unsafe_view", "reshape", "flatten", "clone", "detach",
      "alias", "contiguous", "copy", "_assert_tensor_metadata", "resolve_conj", "resolve_neg", "lift_fresh_copy",
      "zeros", "zeros_like", "new_zeros", "empty", "empty_like", "polar", "complex", "real", "imag", "zero",
      "sym_size", "sym_numel", "_fft_r2c", "_fft_c2r", "_fft_c2c", "fft_fft", "fft_ifft", "fft_rfft", "fft_irfft",
      "fft_fft2", "fft_ifft2", "fft_rfft2", "fft_irfft2", "fft_fftn", "fft_ifftn", "fft_rfftn", "fft_irfftn", "stft",
      "istft", "_conj", "conj", "conj_physical", "_conj_physical");

  /// What does the same to both parts.
  private static final Set<String> LINEAR = Set.of(
      "add", "sub", "rsub", "neg", "sum", "mean", "cumsum", "cat", "concat", "stack", "hstack", "vstack",
      "split", "split_with_sizes", "chunk", "tensor_split", "unbind", "slice", "select", "narrow",
      "permute", "transpose", "t", "mT", "movedim", "swapaxes", "expand", "expand_as", "broadcast_to",
      "repeat", "tile", "repeat_interleave", "squeeze", "unflatten", "roll", "flip", "index",
      "index_select", "gather", "index_put", "index_add", "index_copy", "scatter", "scatter_add",
      "slice_scatter", "select_scatter", "where", "masked_fill", "constant_pad_nd", "pad", "tril", "triu",
      "diagonal", "diag_embed", "unfold", "fill", "fft_fftshift", "fft_ifftshift", "meshgrid", "diff",
      "squeeze_copy");

  /// Products of two operands.
  private static final Set<String> PRODUCTS = Set.of("mm", "bmm", "matmul", "mv", "dot", "outer", "einsum", "linear");

  private static final Map<String, Lowering> WRITTEN_OUT = writtenOut();

  private ComplexNumbers() {}

  static void add(Operators.Builder table) {
    table.aten("polar", c -> c.set(polar(c)))
        .aten("complex", c -> c.set(pair(c.e, new Complex(c.tensor("real"), c.tensor("imag")))))
        .aten("view_as_complex view_as_real", c -> c.alias("self"))
        .aten("_conj conj conj_physical _conj_physical", c -> c.set(conjugate(c)))
        .aten("angle", ComplexNumbers::angleOfReal)
        .aten("real", c -> part(c, 0))
        .aten("imag", c -> part(c, 1));
  }

  private static Map<String, Lowering> writtenOut() {
    var table = new HashMap<String, Lowering>();
    table.put("mul", c -> give(c, product(c.e, number(c, "self"), number(c, "other"))));
    table.put("div", c -> give(c, quotient(c.e, number(c, "self"), number(c, "other"))));
    table.put("square", c -> give(c, product(c.e, number(c, "self"), number(c, "self"))));
    table.put("reciprocal",
        c -> give(c, quotient(c.e, new Complex(c.e.constant(1, c.dtype()), null), number(c, "self"))));
    table.put("abs", c -> c.set(size(c.e, number(c, "self"))));
    table.put("angle", c -> c.set(angle(c.e, number(c, "self"))));
    table.put("exp", c -> give(c, exp(c.e, number(c, "self"))));
    table.put("log", c -> give(c, log(c.e, number(c, "self"))));
    table.put("sqrt", c -> give(c, sqrt(c.e, number(c, "self"))));
    table.put("sgn", c -> give(c, sign(c.e, number(c, "self"))));
    table.put("pow", ComplexNumbers::power);
    table.put("eq", c -> c.set(equal(c)));
    table.put("ne", c -> c.set(c.e.of(new Op.Not(equal(c)))));
    table.put("to", ComplexNumbers::convert);
    table.put("_to_copy", ComplexNumbers::convert);
    table.put("type_as", ComplexNumbers::convert);
    for (String name : new String[] {"ones", "ones_like", "new_ones"}) {
      table.put(name, c -> give(c, new Complex(c.e.constant(1, c.dtype()), null)));
    }
    for (String name : new String[] {"full", "full_like", "new_full"}) {
      table.put(name, c -> give(c, number(c, "fill_value")));
    }
    table.put("scalar_tensor", c -> give(c, number(c, "s")));
    return Map.copyOf(table);
  }

  /// Lowers an operator with complex operands or results.
  ///
  /// @param name without namespace and overload
  /// @param real what it does to real ones
  static void lower(Call c, String name, Lowering real) {
    Lowering own = WRITTEN_OUT.get(name);
    if (own != null) {
      own.lower(c);
    } else if (WHOLE.contains(name)) {
      real.lower(c);
    } else if (LINEAR.contains(name)) {
      List<Value> re = results(c, real, 0, 0);
      List<Value> im = results(c, real, 1, 1);
      for (int i = 0; i < re.size(); i++) {
        set(c, i, pair(c.e, new Complex(re.get(i), im.get(i))));
      }
    } else if (PRODUCTS.contains(name)) {
      product(c, name, real);
    } else {
      throw new Refusal("complex numbers");
    }
  }

  private static void set(Call c, int result, Value value) {
    if (result == 0) {
      c.set(value);
    } else {
      c.set(result, value);
    }
  }

  private static List<Value> results(Call c, Lowering real, int first, int other) {
    Part part = Part.of(first, other);
    real.lower(c.of(part));
    return part.values();
  }

  private static void product(Call c, String name, Lowering real) {
    boolean two = !name.equals("einsum") || c.tensors("tensors").size() == 2;
    if (!two || c.has("bias")) {
      throw new Refusal("complex numbers in more than two factors");
    }
    Value re = c.e.sub(results(c, real, 0, 0).getFirst(), results(c, real, 1, 1).getFirst());
    Value im = c.e.add(results(c, real, 0, 1).getFirst(), results(c, real, 1, 0).getFirst());
    c.set(pair(c.e, new Complex(re, im)));
  }

  // ---- pairs

  static Value pair(Emit e, Complex z) {
    Value im = z.im() == null ? e.full(0, z.re().type().dtype(), z.re().type().shape()) : z.im();
    int last = z.re().type().rank();
    return e.of(new Op.Concat(List.of(e.unsqueeze(z.re(), last), e.unsqueeze(im, last)), last));
  }

  /// Both parts of a pair.
  static Complex apart(Emit e, Value x) {
    return new Complex(at(e, x, 0), at(e, x, 1));
  }

  private static Value at(Emit e, Value x, long part) {
    int last = x.type().rank() - 1;
    return e.reshape(e.slice(x, last, Dim.of(part), Dim.ONE, 1), x.type().shape().without(last));
  }

  /// An operand of any kind.
  static Complex number(Call c, String name) {
    Argument.ComplexArg literal = c.complexLiteral(name);
    DType type = c.givesComplex(0) ? c.dtype() : c.isComplex("self") ? c.tensor("self").type().dtype()
        : c.tensor("other").type().dtype();
    if (literal != null) {
      return new Complex(c.e.constant(literal.real(), type), c.e.constant(literal.imaginary(), type));
    }
    if (c.isComplex(name)) {
      Value x = c.e.cast(c.tensor(name), type);
      return apart(c.e, x);
    }
    return new Complex(c.operand(name).as(c.e, type), null);
  }

  /// Sets the result, broadcast as it needs to be.
  private static void give(Call c, Complex z) {
    Shape shape = Part.type(c.type()).shape();
    Value im = z.im();
    c.set(pair(c.e, new Complex(c.e.expand(z.re(), shape), im == null ? null : c.e.expand(im, shape))));
  }

  // ---- arithmetic

  private static Complex product(Emit e, Complex a, Complex b) {
    Value x = a.im();
    Value y = b.im();
    Value re = e.mul(a.re(), b.re());
    if (x == null || y == null) {
      Value im = x != null ? e.mul(x, b.re()) : y != null ? e.mul(a.re(), y) : null;
      return new Complex(re, im);
    }
    return new Complex(e.sub(re, e.mul(x, y)), e.add(e.mul(a.re(), y), e.mul(x, b.re())));
  }

  private static Complex quotient(Emit e, Complex a, Complex b) {
    Value y = b.im();
    if (y == null) {
      Value x = a.im();
      return new Complex(e.div(a.re(), b.re()), x == null ? null : e.div(x, b.re()));
    }
    Value square = e.add(e.mul(b.re(), b.re()), e.mul(y, y));
    Complex above = product(e, a, new Complex(b.re(), e.of(new Op.Neg(y))));
    return new Complex(e.div(above.re(), square), e.div(orZero(e, above), square));
  }

  private static Value orZero(Emit e, Complex z) {
    return z.im() == null ? e.constant(0, z.re()) : z.im();
  }

  private static Value size(Emit e, Complex z) {
    Value im = orZero(e, z);
    return e.of(new Op.Sqrt(e.add(e.mul(z.re(), z.re()), e.mul(im, im))));
  }

  private static Value angle(Emit e, Complex z) {
    return Trigonometry.atan2(e, orZero(e, z), z.re());
  }

  private static Complex exp(Emit e, Complex z) {
    Value size = e.of(new Op.Exp(z.re()));
    Value im = orZero(e, z);
    return new Complex(e.mul(size, e.of(new Op.Cos(im))), e.mul(size, e.of(new Op.Sin(im))));
  }

  private static Complex log(Emit e, Complex z) {
    return new Complex(e.of(new Op.Log(size(e, z))), angle(e, z));
  }

  /// Without cancellation: the larger of the two halves first, the other as `im / 2` over it.
  private static Complex sqrt(Emit e, Complex z) {
    Value im = orZero(e, z);
    Value half = e.of(new Op.Sqrt(e.mul(e.add(size(e, z), e.of(new Op.Abs(z.re()))), 0.5)));
    Value zero = e.of(new Op.Eq(half, e.constant(0, half)));
    Value rest = e.select(zero, half, e.div(e.mul(im, 0.5), e.select(zero, e.constant(1, half), half)));
    Value right = e.of(new Op.Ge(z.re(), e.constant(0, z.re())));
    Value below = e.less(im, 0);
    Value up = e.select(below, e.of(new Op.Neg(half)), half);
    return new Complex(e.select(right, half, e.of(new Op.Abs(rest))), e.select(right, rest, up));
  }

  private static Complex sign(Emit e, Complex z) {
    Value size = size(e, z);
    Value zero = e.of(new Op.Eq(size, e.constant(0, size)));
    return quotient(e, z, new Complex(e.select(zero, e.constant(1, size), size), null));
  }

  private static void power(Call c) {
    Operand exponent = c.operand("exponent");
    Complex z = number(c, "self");
    if (exponent.tensor() != null || exponent.number() != Math.rint(exponent.number()) || exponent.number() < 1
        || exponent.number() > 8) {
      throw new Refusal("complex numbers to a power that is no small integer");
    }
    Complex result = z;
    for (int i = 1; i < exponent.number(); i++) {
      result = product(c.e, result, z);
    }
    give(c, result);
  }

  private static Value equal(Call c) {
    Complex a = number(c, "self");
    Complex b = number(c, "other");
    Value re = c.e.of(new Op.Eq(a.re(), b.re()));
    return c.e.of(new Op.And(re, c.e.of(new Op.Eq(orZero(c.e, a), orZero(c.e, b)))));
  }

  private static Value polar(Call c) {
    Value size = c.tensor("abs");
    Value angle = c.tensor("angle");
    UnaryOperator<Value> scaled = x -> c.e.mul(size, x);
    return pair(c.e, new Complex(scaled.apply(c.e.of(new Op.Cos(angle))), scaled.apply(c.e.of(new Op.Sin(angle)))));
  }

  private static Value conjugate(Call c) {
    Value x = c.tensor("self");
    if (!c.isComplex("self")) {
      return x;
    }
    Complex z = apart(c.e, x);
    return pair(c.e, new Complex(z.re(), c.e.of(new Op.Neg(orZero(c.e, z)))));
  }

  /// Real numbers become complex without an imaginary part, and complex ones lose theirs.
  private static void convert(Call c) {
    if (!c.isComplex("self")) {
      give(c, new Complex(c.e.cast(c.tensor("self"), c.dtype()), null));
    } else if (c.givesComplex(0)) {
      boolean same = c.tensor("self").type().dtype() == c.dtype() && !c.flag("copy", false);
      if (same) {
        c.alias("self");
      } else {
        c.set(c.tensor("self"));
      }
    } else {
      c.set(c.e.cast(apart(c.e, c.tensor("self")).re(), c.dtype()));
    }
  }

  private static void angleOfReal(Call c) {
    Value x = c.e.cast(c.tensor("self"), c.dtype());
    Value side = c.e.select(c.e.less(x, 0), c.e.constant(Math.PI, x), c.e.constant(0, x));
    c.set(c.e.select(c.e.of(new Op.IsNan(x)), x, side));
  }

  private static void part(Call c, long part) {
    if (c.isComplex("self")) {
      TensorType x = c.tensor("self").type();
      int last = x.rank() - 1;
      c.view("self", new ViewStep.Sliced(last, Dim.of(part), Dim.ONE, 1),
          new ViewStep.Reshaped(x.shape().without(last)));
    } else if (part == 0) {
      c.alias("self");
    } else {
      throw new Refusal("the imaginary part of real numbers");
    }
  }
}
