package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Shape;

/// Writing where what is there and all that comes are reduced to one element.
final class ScatterReductions {
  private ScatterReductions() {}

  static void add(Operators.Builder table) {
    table.aten("scatter.reduce scatter.value_reduce scatter_reduce", ScatterReductions::along)
        .aten("index_reduce", ScatterReductions::slices)
        .aten("_embedding_bag _embedding_bag_forward_only embedding_bag", ScatterReductions::bags);
  }

  /// Where values go.
  @FunctionalInterface
  private interface Put {
    Value into(Value x, Value source, Op.Combine combine);
  }

  private static void along(Call c) {
    Emit e = c.e;
    Value x = c.tensor("self");
    boolean scalar = x.type().rank() == 0;
    Value into = scalar ? e.reshape(x, Shape.of(1)) : x;
    Value index = scalar ? e.flatten(c.tensor("index")) : c.tensor("index");
    Value given = c.has("src") ? Scattering.source(c) : Arithmetic.typed(c, "value");
    Value source = Scattering.covered(c, scalar && given.type().rank() == 0 ? e.reshape(given, Shape.of(1)) : given,
        index);
    int axis = scalar ? 0 : c.axis("dim", 0, x.type().rank());
    Value y = reduced(c, into, source, (base, s, how) -> e.of(new Op.ScatterAlong(base, index, s, axis, how)));
    c.set(e.reshape(y, x.type().shape()));
  }

  private static void slices(Call c) {
    Emit e = c.e;
    Value x = c.tensor("self");
    Value index = e.flatten(c.tensor("index"));
    int axis = c.axis("dim", 0, x.type().rank());
    Value source = e.cast(c.tensor("source"), x.type().dtype());
    c.set(reduced(c, x, source, (base, s, how) -> e.of(new Op.Scatter(base, index, s, axis, how))));
  }

  private static Value reduced(Call c, Value x, Value source, Put put) {
    Emit e = c.e;
    String how = c.text("reduce", "");
    boolean keeps = c.flag("include_self", true);
    Op.Combine combine = switch (how) {
      case "sum", "add", "mean" -> Op.Combine.ADD;
      case "prod", "multiply" -> Op.Combine.MUL;
      case "amax" -> Op.Combine.MAX;
      case "amin" -> Op.Combine.MIN;
      default -> throw new Refusal("reduction " + how);
    };
    DType dtype = x.type().dtype();
    Value base = keeps ? x
        : put.into(x, e.full(identity(combine, dtype), dtype, source.type().shape()), Op.Combine.SET);
    Value y = put.into(base, source, combine);
    if (!how.equals("mean")) {
      return y;
    }
    Value before = e.full(keeps ? 1 : 0, DType.I64, x.type().shape());
    Value counts = put.into(before, e.full(1, DType.I64, source.type().shape()), Op.Combine.ADD);
    Value divisor = e.cast(e.of(new Op.Max(counts, e.constant(1, DType.I64))), dtype);
    return e.of(dtype.isFloat() ? new Op.Div(y, divisor) : new Op.FloorDiv(y, divisor));
  }

  /// What changes nothing.
  private static double identity(Op.Combine combine, DType dtype) {
    return switch (combine) {
      case SET, ADD -> 0;
      case MUL -> 1;
      case MAX -> extreme(dtype, -1);
      case MIN -> extreme(dtype, 1);
    };
  }

  private static double extreme(DType dtype, int sign) {
    if (dtype.isFloat()) {
      return sign * Double.POSITIVE_INFINITY;
    }
    int bits = 8 * dtype.bytes();
    if (bits == 64) {
      throw new Refusal("extremes of " + dtype.text() + " without the old values");
    }
    double largest = Math.scalb(1.0, dtype.isUnsigned() ? bits : bits - 1) - 1;
    return sign > 0 ? largest : dtype.isUnsigned() ? 0 : -largest - 1;
  }

  /// Rows of a table, summed (or averaged, or the largest) per bag; a bag begins at each offset.
  private static void bags(Call c) {
    Emit e = c.e;
    Value table = c.tensor("weight");
    Value ids = c.tensor("indices");
    Value offsets = e.cast(c.tensor("offsets"), DType.I64);
    if (c.flag("include_last_offset", false)) {
      offsets = e.slice(offsets, 0, dev.deepstack.tensor.Dim.ZERO, offsets.type().dim(0).minus(1), 1);
    }
    var n = ids.type().dim(0);
    Value marks = e.of(new Op.Scatter(e.full(0, DType.I64, Shape.of(n.plus(1))), offsets,
        e.full(1, DType.I64, offsets.type().shape()), 0, Op.Combine.ADD));
    Value bag = e.add(e.slice(e.of(new Op.CumSum(marks, 0)), 0, dev.deepstack.tensor.Dim.ZERO, n, 1), -1);
    Value rows = e.of(new Op.Gather(table, ids, 0));
    Value weights = c.optional("per_sample_weights");
    rows = weights == null ? rows : e.mul(rows, e.unsqueeze(weights, 1));
    long padding = c.integer("padding_idx", -1);
    boolean largest = c.integer("mode", 0) == 2;
    Value used = e.full(1, DType.BOOL, Shape.of(n));
    if (padding >= 0) {
      used = e.of(new Op.Ne(ids, e.constant(padding, ids)));
      Value none = e.constant(largest ? Double.NEGATIVE_INFINITY : 0, rows);
      rows = e.select(e.unsqueeze(used, 1), rows, none);
    }
    Shape result = c.type(0).shape();
    DType dtype = rows.type().dtype();
    Value counts = e.of(new Op.Scatter(e.full(0, DType.I64, Shape.of(result.dim(0))), bag, e.cast(used, DType.I64), 0,
        Op.Combine.ADD));
    Value start = e.full(largest ? Double.NEGATIVE_INFINITY : 0, dtype, result);
    Value y = e.of(new Op.Scatter(start, bag, rows, 0, largest ? Op.Combine.MAX : Op.Combine.ADD));
    if (largest) {
      y = e.select(e.unsqueeze(e.greater(counts, 0), 1), y, e.constant(0, y));
    } else if (c.integer("mode", 0) == 1) {
      y = e.div(y, e.unsqueeze(e.cast(e.of(new Op.Max(counts, e.constant(1, DType.I64))), dtype), 1));
    }
    c.set(0, y);
    for (int i = 1; i < c.resultCount(); i++) {
      if (c.isRead(i)) {
        throw new Refusal("the places of embeddings in their bags");
      }
    }
  }
}
