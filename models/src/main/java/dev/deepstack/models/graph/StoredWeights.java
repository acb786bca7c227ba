package dev.deepstack.models.graph;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.DecoderWeights;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The weights of a decoder as values: stored floats as they are, other forms behind the op that reads them.
final class StoredWeights {
  private final Graph g;
  private final Map<String, DecoderWeight> weights = new HashMap<>();
  private final Function<DecoderWeight, StoredForm> forms;
  private final double normOffset;

  StoredWeights(Graph g, DecoderSpec spec, Function<DecoderWeight, StoredForm> forms) {
    this.g = g;
    this.forms = forms;
    normOffset = spec.scales().normOffset();
    DecoderWeights.of(spec).forEach(w -> weights.put(w.name(), w));
  }

  private DecoderWeight weight(String name) {
    return Objects.requireNonNull(weights.get(name), name);
  }

  /// A matrix or a stack of matrices, of a float dtype that linear layers take.
  Value matrix(String name) {
    DecoderWeight w = weight(name);
    return switch (forms.apply(w)) {
      case StoredForm.Plain(DType dtype) -> g.weight(name, new TensorType(dtype, w.typeShape()));
      case StoredForm.Blocks blocks -> g.add(new Op.Dequantize(codes(w, blocks), blocks.format()));
      case StoredForm.Tiles tiles -> tiles(w, tiles);
      case StoredForm.Counted(String form, _) -> throw new IllegalStateException("cannot compute on " + form);
    };
  }

  /// Matrices `[e,n,k]` of several weights one below the other.
  Value stacked(String first, String second) {
    DecoderWeight a = weight(first);
    DecoderWeight b = weight(second);
    if (forms.apply(a) instanceof StoredForm.Blocks blocks && forms.apply(b).equals(blocks)) {
      // The bytes side by side, so that one op reads both.
      Value both = g.add(new Op.Concat(java.util.List.of(codes(a, blocks), codes(b, blocks)), 1));
      return g.add(new Op.Dequantize(both, blocks.format()));
    }
    if (forms.apply(a) instanceof StoredForm.Tiles tiles && forms.apply(b).equals(tiles)
        && a.typeShape().dim(-2).constant() % tiles.rows() == 0
        && matrix(first).op() instanceof Op.ScaleTiles top && matrix(second).op() instanceof Op.ScaleTiles bottom) {
      Value codes = g.add(new Op.Concat(java.util.List.of(top.x(), bottom.x()), 1));
      Value scales = g.add(new Op.Concat(java.util.List.of(top.scales(), bottom.scales()), 1));
      return g.add(new Op.ScaleTiles(codes, scales, tiles.rows(), tiles.columns()));
    }
    return g.add(new Op.Concat(java.util.List.of(matrix(first), matrix(second)), 1));
  }

  /// Whether two weights can be stacked.
  boolean alike(String first, String second) {
    StoredForm a = forms.apply(weight(first));
    return a.equals(forms.apply(weight(second)));
  }

  private Value codes(DecoderWeight w, StoredForm.Blocks blocks) {
    Shape shape = w.typeShape();
    long bytes = blocks.format().rowBytes(shape.dim(-1).constant());
    return g.weight(w.name(), new TensorType(DType.U8, shape.with(-1, Dim.of(bytes))));
  }

  private Value tiles(DecoderWeight w, StoredForm.Tiles tiles) {
    Shape shape = w.typeShape();
    Value codes = g.weight(w.name(), new TensorType(tiles.code(), shape));
    Shape across = shape.with(-2, Dim.of(Math.ceilDiv(shape.dim(-2).constant(), tiles.rows())))
        .with(-1, Dim.of(Math.ceilDiv(shape.dim(-1).constant(), tiles.columns())));
    Value scales = g.weight(w.name() + StoredForm.Tiles.SCALES, new TensorType(tiles.scale(), across));
    return g.add(new Op.ScaleTiles(codes, g.cast(scales, DType.F32), tiles.rows(), tiles.columns()));
  }

  /// What a norm multiplies by.
  Value gain(String name) {
    Value stored = vector(name);
    if (normOffset == 0) {
      return stored;
    }
    Value wide = g.cast(stored, DType.F32);
    return g.add(new Op.Add(wide, g.constant(normOffset, wide)));
  }

  /// A norm's weight or another vector.
  Value vector(String name) {
    return matrix(name);
  }

  /// A bias when the decoder has it.
  @Nullable Value bias(String name) {
    return weights.containsKey(name) ? vector(name) : null;
  }

  /// Rows of a table by number, as f32.
  Value rows(String name, Value ids) {
    DecoderWeight w = weight(name);
    if (forms.apply(w) instanceof StoredForm.Blocks blocks) {
      return g.add(new Op.Dequantize(g.add(new Op.Gather(codes(w, blocks), ids, 0)), blocks.format()));
    }
    return g.cast(g.add(new Op.Gather(matrix(name), ids, 0)), DType.F32);
  }

  /// `x W^T + b` with the weight and bias of a projection.
  Value linear(Value x, String name) {
    return g.add(new Op.Linear(x, matrix(name + ".weight"), bias(name + ".bias")));
  }
}
