package dev.deepstack.text;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A tokenizer as plain lists, the way a GGUF file carries it. Whoever reads the file fills this in;
/// [Tokenizer#of] checks all of it. `null` and empty lists stand for what the file does not say.
///
/// @param name what messages call the file
/// @param model `gpt2` for byte-level BPE with merges, `llama` for SentencePiece BPE with scores
/// @param pre the name of the splitting rules (`tokenizer.ggml.pre`), for `gpt2`
/// @param tokens the spelling of each id
/// @param scores the score of each id, for `llama`: the highest is merged first
/// @param types the type of each id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
/// @param merges `left right` by rank, for `gpt2`
/// @param begin the token before a text
/// @param end the token after a text
/// @param unknown the token for what has no other, for `llama`
/// @param addsBegin whether `begin` is added to a text
/// @param addsEnd whether `end` is added to a text
/// @param addsSpacePrefix whether a text starts with a space that is not in it, for `llama`
public record TokenizerData(
    String name, String model, @Nullable String pre, List<String> tokens, float[] scores, int[] types,
    List<String> merges, @Nullable Integer begin, @Nullable Integer end, @Nullable Integer unknown,
    @Nullable Boolean addsBegin, @Nullable Boolean addsEnd, @Nullable Boolean addsSpacePrefix) {

  /// Takes the data out of a GGUF file's metadata, already parsed: strings, whole numbers ([Number]),
  /// [Boolean]s, and arrays as [List] or as arrays of primitives.
  ///
  /// @throws TokenizerException if a key is missing or of another kind
  public static TokenizerData fromGguf(String name, Map<String, ?> metadata) {
    return new GgufKeys(name, metadata).read();
  }
}
