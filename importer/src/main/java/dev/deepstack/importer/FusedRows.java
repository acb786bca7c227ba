package dev.deepstack.importer;

import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.FeedForwardSpec;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Where a matrix's rows lie when a file keeps several of a layer in one tensor, one below the other: `qkv_proj`, and
/// `gate_up_proj` of a dense layer.
///
/// @param file the tensor's name beside those of [dev.deepstack.models.DecoderWeights]
/// @param first row of the matrix
/// @param rows of the whole tensor
public record FusedRows(String file, long first, long rows) {
  private static final Pattern ATTENTION = Pattern.compile("(.*\\.self_attn\\.)([qkv])(_proj\\.weight|_proj\\.bias)");
  private static final Pattern FEED_FORWARD = Pattern.compile("(.*\\.mlp\\.)(gate|up)(_proj\\.weight|_proj\\.bias)");

  /// The place of a weight, or null when no file keeps such a one with others.
  public static @Nullable FusedRows of(DecoderWeight weight, DecoderSpec spec) {
    Matcher part = ATTENTION.matcher(weight.name());
    if (part.matches() && spec.layers().get(weight.layer()).attention() instanceof AttentionSpec.Grouped a) {
      long queries = (long) a.heads() * a.headDim();
      long keys = (long) a.kvHeads() * a.headDim();
      long first = switch (part.group(2)) {
        case "q" -> 0;
        case "k" -> queries;
        default -> queries + keys;
      };
      return new FusedRows(part.group(1) + "qkv" + part.group(3), first, queries + 2 * keys);
    }
    part = FEED_FORWARD.matcher(weight.name());
    if (part.matches() && spec.layers().get(weight.layer()).feedForward() instanceof FeedForwardSpec.Dense d) {
      return new FusedRows(part.group(1) + "gate_up" + part.group(3), part.group(2).equals("up") ? d.width() : 0,
          2L * d.width());
    }
    return null;
  }
}
