package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Normalisations. Those over trailing axes keep their op; the others are rearranged into it.
final class Norms {
  private static final double FLOAT_EPSILON = 0x1p-23;
  private static final double DOUBLE_EPSILON = 0x1p-52;

  private Norms() {}

  static void add(Operators.Builder table) {
    table.aten("layer_norm native_layer_norm", Norms::layerNorm)
        .aten("rms_norm _fused_rms_norm", Norms::rmsNorm)
        .aten("group_norm", c -> c.set(grouped(c, Dim.of(c.integer("num_groups", 1)))))
        .aten("native_group_norm", Norms::nativeGroupNorm)
        .aten("instance_norm", Norms::instanceNorm)
        .aten("batch_norm", Norms::batchNorm)
        .aten("_native_batch_norm_legit_no_training", Norms::batchNorm)
        .aten("_native_batch_norm_legit", Norms::nativeBatchNorm);
  }

  /// `x` with its normalised axes as one; parameters likewise.
  private static Value merged(Emit e, Value x, int axes) {
    if (axes == 1) {
      return x;
    }
    int kept = x.type().rank() - axes;
    var dims = new ArrayList<>(x.type().shape().dims().subList(0, kept));
    dims.add(new Shape(x.type().shape().dims().subList(kept, x.type().rank())).elements());
    return e.reshape(x, dims);
  }

  private static @Nullable Value parameter(Call c, String name) {
    Value p = c.optional(name);
    return p == null || p.type().rank() == 1 ? p : c.e.flatten(p);
  }

  private static void layerNorm(Call c) {
    Value x = c.e.cast(c.tensor("input"), c.dtype());
    int axes = c.dims("normalized_shape").size();
    double epsilon = c.number("eps", 1e-5);
    Value flat = merged(c.e, x, axes);
    Value y = c.e.of(new Op.LayerNorm(flat, parameter(c, "weight"), parameter(c, "bias"), epsilon));
    c.set(c.e.reshape(y, x.type().shape()));
    if (c.isRead(1) || c.isRead(2)) {
      Value wide = c.e.widen(flat);
      var last = List.of(wide.type().rank() - 1);
      Value mean = c.e.mean(wide, last, true);
      Value centred = c.e.sub(wide, mean);
      Value variance = c.e.mean(c.e.mul(centred, centred), last, true);
      c.set(1, c.e.reshape(mean, c.type(1).shape()));
      c.set(2, c.e.reshape(c.e.of(new Op.Rsqrt(c.e.add(variance, epsilon))), c.type(2).shape()));
    }
  }

  private static void rmsNorm(Call c) {
    Value x = c.e.cast(c.tensor("input"), c.dtype());
    int axes = c.dims("normalized_shape").size();
    double epsilon = c.number("eps", x.type().dtype() == DType.F64 ? DOUBLE_EPSILON : FLOAT_EPSILON);
    Value y = c.e.of(new Op.RmsNorm(merged(c.e, x, axes), parameter(c, "weight"), epsilon));
    c.set(c.e.reshape(y, x.type().shape()));
    if (c.isRead(1)) {
      throw new Refusal("the inverse root as a result");
    }
  }

  /// Axis 1 in groups: every group of a sample is normalised as one row.
  private static Value grouped(Call c, Dim groups) {
    Emit e = c.e;
    Value x = e.cast(c.tensor("input"), c.dtype());
    Dim batch = x.type().dim(0);
    Dim width = Dim.ONE;
    for (Dim d : x.type().shape().dims().subList(1, x.type().rank())) {
      width = width.times(d);
    }
    Value rows = e.reshape(x, Shape.of(batch, groups, width.floorDiv(groups)));
    Value y = e.of(new Op.LayerNorm(rows, null, null, c.number("eps", 1e-5)));
    return scaled(c, e.reshape(y, x.type().shape()));
  }

  private static Value scaled(Call c, Value x) {
    Value y = x;
    Value weight = c.optional("weight");
    Value bias = c.optional("bias");
    if (weight != null) {
      y = c.e.mul(y, perChannel(c.e, c.e.cast(weight, y.type().dtype()), y));
    }
    return bias == null ? y : c.e.add(y, perChannel(c.e, c.e.cast(bias, y.type().dtype()), y));
  }

  /// `[channels]` as `[channels,1,1…]`, to stand against axis 1 of `x`.
  private static Value perChannel(Emit e, Value p, Value x) {
    var dims = new ArrayList<>(Collections.nCopies(x.type().rank() - 1, Dim.ONE));
    dims.set(0, p.type().dim(0));
    return e.reshape(p, dims);
  }

  private static void nativeGroupNorm(Call c) {
    if (c.isRead(1) || c.isRead(2)) {
      throw new Refusal("mean and inverse root as results");
    }
    c.set(0, grouped(c, Dim.of(c.integer("group", 1))));
  }

  private static void instanceNorm(Call c) {
    if (!c.flag("use_input_stats", true)) {
      batchNorm(c);
      return;
    }
    if (c.has("running_mean")) {
      throw new Refusal("running statistics that change; call eval() before exporting");
    }
    c.set(grouped(c, c.tensor("input").type().dim(1)));
  }

  private static void batchNorm(Call c) {
    if (c.flag("training", false) || !c.has("running_mean") || !c.has("running_var")) {
      throw new Refusal("statistics of the batch; call eval() before exporting");
    }
    Emit e = c.e;
    Value x = e.widen(c.tensor("input"));
    DType dtype = x.type().dtype();
    Value mean = e.cast(c.tensor("running_mean"), dtype);
    Value variance = e.cast(c.tensor("running_var"), dtype);
    Value scale = e.of(new Op.Rsqrt(e.add(variance, c.number("eps", 1e-5))));
    Value y = e.mul(e.sub(x, perChannel(e, mean, x)), perChannel(e, scale, x));
    c.set(0, scaled(c, y));
  }

  /// Only as decompositions of instance norm write it: every channel by its own statistics, nothing
  /// remembered.
  private static void nativeBatchNorm(Call c) {
    if (!c.has("running_mean") && c.flag("training", false) && !c.isRead(1) && !c.isRead(2)) {
      Emit e = c.e;
      Value x = e.widen(c.tensor("input"));
      var axes = new ArrayList<>(Emit.axes(x.type().rank()));
      axes.remove(Integer.valueOf(1));
      Value centred = e.sub(x, e.mean(x, axes, true));
      Value variance = e.mean(e.mul(centred, centred), axes, true);
      c.set(0, scaled(c, e.mul(centred, e.of(new Op.Rsqrt(e.add(variance, c.number("eps", 1e-5)))))));
    } else {
      throw new Refusal("running statistics that change; call eval() before exporting");
    }
  }
}
