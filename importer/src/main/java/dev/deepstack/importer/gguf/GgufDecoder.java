package dev.deepstack.importer.gguf;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.DecoderWeights;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// The decoder in a GGUF file.
public final class GgufDecoder {
  private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d{1,6})\\..*");
  private static final int LISTED_MAX = 8;

  private GgufDecoder() {}

  /// Describes a file's decoder and finds its weights, all of which are checked for presence and shape. Every tensor
  /// of the file must have its place, save those of layers that only guess further tokens.
  ///
  /// @throws UnsupportedModelException when the architecture or a part of it is not supported
  /// @throws dev.deepstack.tensor.MalformedModelException when metadata or tensors contradict each other
  public static ImportedDecoder read(GgufFile file) {
    DecoderSpec spec = GgufArchitecture.describe(file).requireBuildable();
    var weights = new GgufWeights(file);
    var forms = new LinkedHashMap<String, StoredForm>();
    for (DecoderWeight weight : DecoderWeights.of(spec)) {
      forms.put(weight.name(), weights.bind(weight, spec));
    }
    checkAllUsed(file, spec, weights);
    return new ImportedDecoder(spec, forms, weights);
  }

  private static void checkAllUsed(GgufFile file, DecoderSpec spec, GgufWeights weights) {
    var unused = new TreeSet<>(file.tensors().keySet());
    unused.removeAll(weights.used());
    unused.removeAll(List.of("rope_freqs.weight", GgufRope.LONG, GgufRope.SHORT));
    int layers = spec.layers().size();
    unused.removeIf(name -> {
      var match = BLOCK.matcher(name);
      // Some files repeat the table of rotary frequencies in every layer.
      return match.matches() && (Integer.parseInt(match.group(1)) >= layers || name.endsWith(".attn_rot_embd.weight"));
    });
    if (!unused.isEmpty()) {
      List<String> some = unused.stream().limit(LISTED_MAX).map(GgufCursor::quote).toList();
      throw new UnsupportedModelException(file.name() + " has tensors that no " + spec.family()
          + " decoder known here has: " + String.join(", ", some) + (unused.size() > LISTED_MAX ? " …" : "")
          + "; it cannot be run without knowing what they mean");
    }
  }
}
