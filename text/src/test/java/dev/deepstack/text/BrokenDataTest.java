package dev.deepstack.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/// Lists of a GGUF file that must be refused with one sentence.
class BrokenDataTest {
  @Test
  void theUnbrokenListsWork() {
    assertThat(Tokenizer.of(TokenizerData.fromGguf("g", bytes())).encode("ab<e>b")).containsExactly(2, 3, 1);
    assertThat(Tokenizer.of(TokenizerData.fromGguf("g", pieces())).encode("ab d<e>"))
        .containsExactly(3, 9, 4, 0, 3);
    assertThat(Tokenizer.of(TokenizerData.fromGguf("g", pieces())).decode(9, 4, 5)).isEqualTo("ab c");
    var wide = pieces();
    wide.put("tokenizer.ggml.scores", new double[] {0, -9, -9, 0, -9, -9, -1, -2, -5, -4});
    wide.put("tokenizer.ggml.token_type", new long[] {2, 1, 1, 3, 1, 1, 1, 1, 3, 1});
    assertThat(Tokenizer.of(TokenizerData.fromGguf("g", wide)).encode("ab d<e>")).containsExactly(3, 9, 4, 0, 3);
    wide.put("tokenizer.ggml.token_type", new long[] {2, 1, 1, 3, 1L << 40, 1, 1, 1, 3, 1});
    refused(wide, _ -> { }, "token 4 is of type 2147483647");
  }

  @Test
  void isRefusedByName() {
    refused(bytes(), m -> m.remove("tokenizer.ggml.model"), "tokenizer.ggml.model is missing");
    refused(bytes(), m -> m.put("tokenizer.ggml.model", "bert"), "the tokenizer model 'bert' is not supported");
    refused(bytes(), m -> m.put("tokenizer.ggml.model", 7), "tokenizer.ggml.model must be a string");
    refused(bytes(), m -> m.put("tokenizer.ggml.pre", "klingon"), "the pre-tokenizer 'klingon' is not known");
    refused(bytes(), m -> m.put("tokenizer.ggml.tokens", List.of()), "the tokenizer has no tokens");
    refused(bytes(), m -> m.put("tokenizer.ggml.tokens", List.of("a", "b", 3, "x")), "must hold strings only");
    refused(bytes(), m -> m.put("tokenizer.ggml.tokens", List.of("a", "a", "b", "c")),
        "token 'a' has two ids, 0 and 1");
    refused(bytes(), m -> m.put("tokenizer.ggml.merges", List.of("a c")), "merge 0 names 'c', which is not");
    refused(bytes(), m -> m.put("tokenizer.ggml.merges", List.of("a b", "b a")), "merge 1 names 'ba'");
    refused(bytes(), m -> m.put("tokenizer.ggml.merges", List.of("ab")), "merge 0 must be two tokens");
    refused(bytes(), m -> m.put("tokenizer.ggml.token_type", new int[] {1, 1}),
        "there are 2 token types for 4 tokens");
    refused(bytes(), m -> m.put("tokenizer.ggml.token_type", new int[] {1, 1, 1, 9}), "token 3 is of type 9");
    refused(bytes(), m -> m.put("tokenizer.ggml.token_type", "x"), "must be an array of whole numbers");
    refused(bytes(), m -> m.put("tokenizer.ggml.bos_token_id", 4), "the begin token 4 is out of range");
    refused(bytes(), m -> m.put("tokenizer.ggml.eos_token_id", -1), "eos_token_id must be a whole number");
    refused(bytes(), m -> m.put("tokenizer.ggml.eos_token_id", 1L << 40), "eos_token_id must be a whole number");
    refused(bytes(), m -> m.put("tokenizer.ggml.add_eos_token", true), "the end token is to be added, but");
    refused(bytes(), m -> m.put("tokenizer.ggml.add_bos_token", 1), "add_bos_token must be true or false");
    refused(pieces(), m -> m.remove("tokenizer.ggml.scores"), "needs the scores of its tokens");
    refused(pieces(), m -> m.put("tokenizer.ggml.scores", new float[] {0}), "there are 1 scores for 10 tokens");
    refused(pieces(), m -> m.put("tokenizer.ggml.unknown_token_id", 10), "the unknown token 10 is out of range");
    refused(pieces(), m -> ((float[]) m.get("tokenizer.ggml.scores"))[4] = Float.NaN, "token 4 has no number");
    refused(pieces(), m -> m.put("tokenizer.ggml.tokens", withLongToken()), "has more than 4096 characters");
  }

  /// Every kind of damage at random: a sentence, or a tokenizer that works.
  @Test
  void damagedListsAreRefusedOrHarmless() {
    for (int seed = 0; seed < 3000; seed++) {
      var random = new Random(seed);
      var metadata = random.nextBoolean() ? bytes() : pieces();
      for (int n = random.nextInt(3); n >= 0; n--) {
        damage(metadata, random);
      }
      try {
        var tokenizer = Tokenizer.of(TokenizerData.fromGguf("g", metadata));
        tokenizer.decode(tokenizer.encode("ab<e> cb \ud83d\udc4d"));
      } catch (TokenizerException e) {
        assertThat(e).as("seed %d", seed).hasMessageNotContaining("\n").hasMessageStartingWith("g: ");
      }
    }
  }

  private static void damage(Map<String, Object> metadata, Random random) {
    var keys = new ArrayList<>(metadata.keySet());
    Collections.sort(keys);
    var key = keys.get(random.nextInt(keys.size()));
    Object[] values = {
        "x", "", 3, -5, 1 << 30, true, List.of(), List.of("a", "\ud800", ""), new int[] {2, 1}, new float[10],
        List.of(1.5, Double.NaN), List.of("<0x00>", "<0xFF>", "<0x-1>", "▁", "a b", " ")};
    switch (random.nextInt(3)) {
      case 0 -> metadata.remove(key);
      case 1 -> metadata.put(key, values[random.nextInt(values.length)]);
      default -> {
        switch (metadata.get(key)) {
          case int[] ints when ints.length > 0 -> ints[random.nextInt(ints.length)] = random.nextInt(12) - 3;
          case float[] floats when floats.length > 0 ->
              floats[random.nextInt(floats.length)] = Float.intBitsToFloat(random.nextInt());
          case List<?> list when !list.isEmpty() -> {
            var copy = new ArrayList<Object>(list);
            Collections.swap(copy, 0, random.nextInt(copy.size()));
            copy.set(random.nextInt(copy.size()), "<0x0" + random.nextInt(12) + ">");
            metadata.put(key, copy);
          }
          default -> metadata.put(key, random.nextInt());
        }
      }
    }
  }

  private static void refused(Map<String, Object> metadata, Consumer<Map<String, Object>> damage, String why) {
    damage.accept(metadata);
    assertThatThrownBy(() -> Tokenizer.of(TokenizerData.fromGguf("g", metadata)))
        .isInstanceOf(TokenizerException.class).hasMessageStartingWith("g: ").hasMessageContaining(why);
  }

  private static List<String> withLongToken() {
    var tokens = new ArrayList<>(PIECES);
    tokens.set(8, "x".repeat(5000));
    return tokens;
  }

  private static Map<String, Object> bytes() {
    var metadata = new HashMap<String, Object>();
    metadata.put("tokenizer.ggml.model", "gpt2");
    metadata.put("tokenizer.ggml.pre", "gpt-2");
    metadata.put("tokenizer.ggml.tokens", List.of("a", "b", "ab", "<e>"));
    metadata.put("tokenizer.ggml.token_type", new int[] {1, 1, 1, 3});
    metadata.put("tokenizer.ggml.merges", List.of("a b"));
    return metadata;
  }

  private static final List<String> PIECES =
      List.of("<unk>", "a", "b", "<e>", "▁", "c", "ab", "▁a", "▁c", "▁ab");

  private static Map<String, Object> pieces() {
    var metadata = new HashMap<String, Object>();
    metadata.put("tokenizer.ggml.model", "llama");
    metadata.put("tokenizer.ggml.tokens", PIECES);
    metadata.put("tokenizer.ggml.scores", new float[] {0, -9, -9, 0, -9, -9, -1, -2, Float.NEGATIVE_INFINITY, -4});
    metadata.put("tokenizer.ggml.token_type", new int[] {2, 1, 1, 3, 1, 1, 1, 1, 3, 1});
    metadata.put("tokenizer.ggml.bos_token_id", 3);
    metadata.put("tokenizer.ggml.unknown_token_id", 0);
    metadata.put("tokenizer.ggml.add_bos_token", true);
    return metadata;
  }
}
