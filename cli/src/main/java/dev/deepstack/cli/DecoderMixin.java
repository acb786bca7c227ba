package dev.deepstack.cli;

import dev.deepstack.api.DecoderOptions;
import dev.deepstack.tensor.InvalidInputException;
import java.util.Locale;
import picocli.CommandLine.Option;

/// Options of every command that generates with a checkpoint or a GGUF file.
final class DecoderMixin {
  @Option(names = "--context", paramLabel = "N",
      description = "Tokens of prompt and answer that the caches shall hold (default: what is asked for).")
  private long context;

  @Option(names = "--kv-type", paramLabel = "TYPE", defaultValue = "f32",
      description = "How caches are stored: f32 (default), bf16, f16 or q8.")
  private String cacheType = "f32";

  @Option(names = "--exact",
      description = "Keep activations in f32: not 8 bits where weights lie in blocks, nor bf16 in long prompts where "
          + "weights are bf16. Slower.")
  private boolean exact;

  @Option(names = "--no-pack",
      description = "Pack the weights in memory at each start; keep no packed copy beside the model.")
  private boolean unpacked;

  /// @param usual the context to take when none is given
  /// @param sequences that run together
  DecoderOptions options(long usual, int sequences) {
    if (context < 0 || context == 1) {
      throw new InvalidInputException("--context must be at least 2 tokens, not " + context);
    }
    return new DecoderOptions(context == 0 ? usual : context, sequences, cacheType.toLowerCase(Locale.ROOT), exact,
        !unpacked);
  }
}
