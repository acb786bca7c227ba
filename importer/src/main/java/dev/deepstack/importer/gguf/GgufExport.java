package dev.deepstack.importer.gguf;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.DecoderWeight.Role;
import dev.deepstack.models.DecoderWeights;
import dev.deepstack.models.LayerSpec;
import dev.deepstack.models.RopeSpec;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A decoder of any checkpoint as the content of a GGUF file.
public final class GgufExport {
  private final ImportedDecoder decoder;
  private final GgufMetadataWriter writer;

  private GgufExport(ImportedDecoder decoder, GgufMetadataWriter writer) {
    this.decoder = decoder;
    this.writer = writer;
  }

  /// @param name of the model
  /// @param tokenizer metadata of its tokenizer, which goes beside the decoder's
  /// @throws dev.deepstack.tensor.UnsupportedModelException when the model has what GGUF files cannot say
  public static GgufContent of(ImportedDecoder decoder, String name, Map<String, GgufValue> tokenizer) {
    var writer = new GgufMetadataWriter(decoder.spec(), name);
    var metadata = writer.metadata();
    metadata.putAll(tokenizer);
    return new GgufContent(metadata, new GgufExport(decoder, writer).parts());
  }

  private List<GgufContent.Part> parts() {
    DecoderSpec spec = decoder.spec();
    var parts = new ArrayList<GgufContent.Part>();
    RopeSpec rope = spec.layers().getFirst().attention().rope();
    float[] divisors = GgufMetadataWriter.divisors(rope);
    if (divisors != null) {
      parts.add(new GgufContent.Part("rope_freqs.weight", new long[] {divisors.length}, GgufType.F32,
          _ -> (_, out, at) -> System.arraycopy(divisors, 0, out, at, divisors.length)));
    }
    for (DecoderWeight weight : DecoderWeights.of(spec)) {
      parts.add(part(weight));
    }
    return parts;
  }

  private GgufContent.Part part(DecoderWeight weight) {
    StoredForm form = decoder.form(weight);
    // A single row without its axis, as files have it.
    boolean flat = weight.role() == Role.ROUTER && weight.shape().getFirst() == 1;
    long[] shape = flat ? new long[] {weight.shape().getLast()} : weight.extents();
    GgufType stored = switch (form) {
      case StoredForm.Plain(DType dtype) -> GgufType.of(dtype);
      case StoredForm.Blocks blocks -> GgufType.of(blocks.format());
      case StoredForm.Tiles _, StoredForm.Counted _ -> GgufType.BF16;
    };
    return new GgufContent.Part(name(weight), shape, stored, arena -> turned(weight, rows(weight, form, arena)));
  }

  private String name(DecoderWeight weight) {
    LayerSpec.Norms norms = decoder.spec().layers().get(Math.max(0, weight.layer())).norms();
    return weight.name().endsWith("post_attention_layernorm.weight") && norms == LayerSpec.Norms.BEFORE
        ? GgufNames.block(weight.layer()) + writer.secondNorm() + ".weight"
        : GgufNames.of(weight.name(), norms).getFirst();
  }

  private GgufRows rows(DecoderWeight weight, StoredForm form, Arena arena) {
    if (!weight.name().contains("*")) {
      return rows(weight.name(), form, arena);
    }
    var experts = new ArrayList<GgufRows>();
    for (long i = 0; i < weight.shape().getFirst(); i++) {
      experts.add(rows(weight.name().replace("*", Long.toString(i)), form, arena));
    }
    return GgufRows.stacked(experts, weight.shape().get(1));
  }

  private GgufRows rows(String name, StoredForm form, Arena arena) {
    StridedTensor tensor = decoder.weights().tensor(name, arena);
    return switch (form) {
      case StoredForm.Plain _ -> GgufRows.of(tensor);
      case StoredForm.Blocks blocks -> GgufRows.of(tensor, blocks.format());
      case StoredForm.Tiles tiles -> {
        StridedTensor scales = decoder.weights().tensor(name + StoredForm.Tiles.SCALES, arena);
        yield GgufRows.of(tensor, scales, tiles.rows(), tiles.columns());
      }
      case StoredForm.Counted(String stored, _) -> throw new IllegalStateException(stored);
    };
  }

  /// Rows that are rotated, in the order of the architecture's files: element `i` of a head's first half and element
  /// `i` of its second half side by side.
  private GgufRows turned(DecoderWeight weight, GgufRows rows) {
    if (weight.layer() < 0) {
      return rows;
    }
    AttentionSpec attention = decoder.spec().layers().get(weight.layer()).attention();
    if (attention.rope().layout() == writer.layout()) {
      return rows;
    }
    String part = weight.name().substring(DecoderWeights.prefix(weight.layer()).length());
    return switch (attention) {
      case AttentionSpec.Grouped a when part.matches("self_attn\\.[qk]_proj\\.weight") ->
          rows.reordered(row -> source(row, a.headDim(), 0, a.rope().dims()));
      case AttentionSpec.Grouped a when part.matches("self_attn\\.[qk]_proj\\.bias") -> (row, out, at) -> {
        int count = weight.shape().getLast().intValue();
        var plain = new float[count];
        rows.read(row, plain, 0);
        for (int i = 0; i < count; i++) {
          out[at + i] = plain[(int) source(i, a.headDim(), 0, a.rope().dims())];
        }
      };
      case AttentionSpec.Latent a when part.matches("self_attn\\.q(_b)?_proj\\.weight") ->
          rows.reordered(row -> source(row, a.nopeDim() + a.ropeDim(), a.nopeDim(), a.ropeDim()));
      case AttentionSpec.Latent a when part.equals("self_attn.kv_a_proj_with_mqa.weight") ->
          rows.reordered(row -> source(row, a.rank() + a.ropeDim(), a.rank(), a.ropeDim()));
      case AttentionSpec.Grouped _, AttentionSpec.Latent _ -> rows;
    };
  }

  /// Where a row of interleaved pairs comes from.
  private static long source(long row, long head, long first, long dims) {
    long in = row % head - first;
    if (in < 0 || in >= dims) {
      return row;
    }
    return row - in + in / 2 + in % 2 * (dims / 2);
  }
}
