package dev.deepstack.importer.hf;

import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.StridedTensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Experts that a file keeps in one tensor per layer. gpt-oss has rows of gate and up in turn: as floats
/// `[experts, in, 2*width]`, or in MXFP4 `[experts, 2*width, in/32, 16]` with scales `[experts, 2*width, in/32]`. Other
/// families may have `gate_up_proj` `[experts, 2*width, in]` with the rows of gate first.
final class ExpertStacks {
  private final CheckpointWeights weights;
  private final boolean inTurn;

  ExpertStacks(CheckpointWeights weights) {
    this.weights = weights;
    inTurn = weights.spec().family().equals("gpt_oss");
  }

  /// What a matrix is called inside a stack, and where its rows lie there.
  private record Place(String stem, long count, long first) {}

  private static Place place(DecoderWeight w) {
    String stack = FileNames.stack(w.name());
    return w.name().contains("down_proj") ? new Place(stack + "down_proj", 1, 0)
        : new Place(stack + "gate_up_proj", 2, w.name().contains("up_proj") ? 1 : 0);
  }

  /// Finds a matrix of all experts, or says that the file has no stack of them.
  boolean find(DecoderWeight w) {
    Place place = place(w);
    if (weights.has(place.stem + "_blocks")) {
      blocks(w, place);
      return true;
    }
    if (!weights.has(place.stem) && !inTurn) {
      return false;
    }
    floats(w, place);
    return true;
  }

  private void floats(DecoderWeight w, Place place) {
    long[] shape = w.extents();
    long experts = shape[0];
    long out = shape[1];
    long in = shape[2];
    long rows = place.count * out;
    HostTensor tensor = inTurn
        ? weights.checked(place.stem, experts, in, rows)
        : weights.checked(place.stem, experts, rows, in);
    weights.form(w, w.form(weights.spec().storage()));
    if (tensor == null || !isPlain(tensor, place.stem)) {
      return;
    }
    weights.form(w, new StoredForm.Plain(tensor.dtype()));
    long[] strides = inTurn ? new long[] {place.count, rows} : new long[] {in, 1};
    long first = inTurn ? place.first : place.first * out * in;
    for (long e = 0; e < experts; e++) {
      long offset = e * rows * in + first;
      weights.put(w.name().replace("*", Long.toString(e)), _ -> new StridedTensor(tensor.dtype(), new long[] {out, in},
          strides, offset, tensor.data()));
    }
  }

  private boolean isPlain(HostTensor tensor, String name) {
    boolean plain = CheckpointWeights.isPlain(tensor);
    if (!plain) {
      weights.problem(name + " is " + tensor.dtype().text() + ", not bf16, f16 or f32");
    }
    return plain;
  }

  private void blocks(DecoderWeight w, Place place) {
    long[] shape = w.extents();
    long out = shape[1];
    long in = shape[2];
    weights.form(w, new StoredForm.Blocks(BlockFormat.MXFP4));
    if (in % BlockFormat.MXFP4.weights() != 0) {
      weights.problem(place.stem + "_blocks has rows of " + in + " weights, which do not make blocks of 32");
      return;
    }
    long count = in / BlockFormat.MXFP4.weights();
    HostTensor codes = weights.checked(place.stem + "_blocks", shape[0], place.count * out, count, 16);
    HostTensor scales = weights.checked(place.stem + "_scales", shape[0], place.count * out, count);
    if (codes == null || scales == null || !isBytes(codes, place.stem) || !isBytes(scales, place.stem)) {
      return;
    }
    for (long e = 0; e < shape[0]; e++) {
      long row = e * place.count * out + place.first;
      var rows = new MxfpRows(codes, scales, row, place.count, out, count);
      weights.put(w.name().replace("*", Long.toString(e)), arena -> StridedTensor.of(rows.in(arena)));
    }
  }

  private boolean isBytes(HostTensor tensor, String name) {
    if (tensor.dtype() != DType.U8) {
      weights.problem(name + "_blocks or its scales are " + tensor.dtype().text() + ", not u8");
    }
    return tensor.dtype() == DType.U8;
  }

  /// Finds a bias of all experts, or says that the weight is none.
  boolean findBias(DecoderWeight w) {
    if (!w.name().contains("experts.") || w.name().contains("shared_experts.")) {
      return false;
    }
    Place place = place(w);
    long[] shape = w.extents();
    @Nullable HostTensor tensor = weights.checked(place.stem + "_bias", shape[0], place.count * shape[1]);
    weights.form(w, w.form(weights.spec().storage()));
    if (tensor != null && isPlain(tensor, place.stem + "_bias")) {
      long[] strides = {place.count * shape[1], place.count};
      weights.form(w, new StoredForm.Plain(tensor.dtype()));
      weights.put(w.name(), _ -> new StridedTensor(tensor.dtype(), Arrays.copyOf(shape, 2), strides, place.first,
          tensor.data()));
    }
    return true;
  }
}
