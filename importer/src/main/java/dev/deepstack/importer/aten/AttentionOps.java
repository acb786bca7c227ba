package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/// Scaled dot-product attention, kept whole.
final class AttentionOps {
  private AttentionOps() {}

  static void add(Operators.Builder table) {
    table.aten("scaled_dot_product_attention", AttentionOps::attention)
        .aten("_scaled_dot_product_flash_attention_for_cpu", AttentionOps::attention);
  }

  private static void attention(Call c) {
    if (c.number("dropout_p", 0) != 0) {
      throw new Refusal("dropout that is switched on; call eval() before exporting");
    }
    Emit e = c.e;
    Value q = e.cast(c.tensor("query"), c.dtype());
    Value k = e.cast(c.tensor("key"), c.dtype());
    Value v = e.cast(c.tensor("value"), c.dtype());
    if (c.flag("enable_gqa", false)) {
      k = shared(e, k, q.type().dim(-3));
      v = shared(e, v, q.type().dim(-3));
    }
    Dim width = q.type().dim(-1);
    if (!c.has("scale") && !width.isConstant()) {
      throw new Refusal("a head width that is not fixed");
    }
    double scale = c.has("scale") ? c.number("scale", 1) : 1 / Math.sqrt(width.constant());
    Value mask = mask(c);
    c.set(0, e.of(new Op.Attention(q, k, v, mask, scale, c.flag("is_causal", false))));
  }

  private static @Nullable Value mask(Call c) {
    return c.optional("attn_mask");
  }

  /// `[…,g,s,d]` to `[…,h,s,d]`: each key head serves `h/g` query heads in a row.
  private static Value shared(Emit e, Value x, Dim heads) {
    Dim groups = x.type().dim(-3);
    if (groups.equals(heads)) {
      return x;
    }
    int axis = x.type().rank() - 2;
    Value apart = e.unsqueeze(x, axis);
    var dims = new ArrayList<>(apart.type().shape().dims());
    dims.set(axis, heads.floorDiv(groups));
    return e.reshape(e.expand(apart, new Shape(dims)), x.type().shape().with(-3, heads));
  }
}
