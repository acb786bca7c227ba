package dev.deepstack.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Files that must be refused with one sentence.
class BrokenTokenizerTest {
  private static final String GOOD = """
      {"added_tokens": [{"id": 3, "content": "<e>", "special": true}], "normalizer": null,
       "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x+"},
         "behavior": "Isolated", "invert": false},
       "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<e>"}},
         {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"<e>": {"id": "<e>", "ids": [3]}}},
       "decoder": {"type": "Strip", "content": " ", "start": 1, "stop": 0},
       "model": {"type": "BPE", "unk_token": null, "dropout": null,
         "vocab": {"a": 0, "b": 1, "ab": 2, "<e>": 3}, "merges": ["a b"]}}
      """;

  @TempDir
  private Path folder;

  @Test
  void theUnbrokenFileLoads() throws IOException {
    assertThat(load(GOOD).encode("ab<e>b")).containsExactly(3, 2, 3, 1);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "\"BPE\" | \"Unigram\" | t.json.model: model 'Unigram' is not supported",
      "\"type\": \"BPE\", | `` | t.json.model lacks 'type'",
      "\"merges\": [\"a b\"] | \"x\": 1 | t.json.model lacks 'merges'",
      "\"vocab\" | \"vocabulary\" | t.json.model lacks 'vocab'",
      "\"model\": | \"mode\": | t.json lacks 'model'",
      "\"a b\" | \"a c\" | t.json.model.merges[0] names 'c', which is not in the vocabulary",
      "\"a b\" | \"b a\" | t.json.model.merges[0] names 'ba', which is not in the vocabulary",
      "\"a b\" | \"ab\" | `t.json.model.merges[0] must be two tokens with one space between, not 'ab'`",
      "\"a b\" | [\"a\"] | `t.json.model.merges[0] must be a pair of tokens, not 1`",
      "\"a b\" | 7 | t.json.model.merges[0] must be an array",
      "\"b\": 1 | \"b\": 0 | t.json: id 0 is given to both",
      "\"b\": 1 | \"a\": 1 | t.json is not valid JSON: Duplicate",
      "\"b\": 1 | \"b\": -1 | t.json.model.vocab token 'b' must be a whole number from 0 to 4194303, not -1",
      "\"b\": 1 | \"b\": 99999999999 | t.json.model.vocab token 'b' must be a whole number",
      "\"b\": 1 | \"b\": 4194304 | t.json.model.vocab token 'b' must be a whole number",
      "\"b\": 1 | \"b\": 1.5 | t.json.model.vocab token 'b' must be a whole number",
      "\"b\": 1 | \"b\": \"1\" | t.json.model.vocab token 'b' must be a whole number",
      "\"<e>\": 3 | \"<e>\": 4 | t.json: token '<e>' has two ids",
      "\"<e>\": 3 | \"<f>\": 3 | t.json: id 3 is given to both",
      "\"ids\": [3] | \"ids\": [4] | `t.json.post_processor.special_tokens.<e>.ids[0] is 4`",
      "\"ids\": [3] | \"ids\": 3 | t.json.post_processor.special_tokens.<e>.ids must be an array",
      "\"id\": \"A\" | \"id\": \"B\" | t.json.post_processor.single[1] must be a special token",
      "{\"<e>\": {\"id\" | {\"<f>\": {\"id\" | t.json.post_processor.special_tokens lacks '<e>'",
      "TemplateProcessing | BertProcessing | t.json.post_processor: post-processor 'BertProcessing' is",
      "\"Strip\" | \"WordPiece\" | t.json.decoder: decoder 'WordPiece' is not supported",
      "\"content\": \" \" | \"content\": \"  \" | t.json.decoder.content must be one character",
      "\"Split\" | \"UnicodeScripts\" | t.json.pre_tokenizer: pre-tokenizer 'UnicodeScripts' is not supported",
      "\"Split\" | \"Metaspace\" | t.json.pre_tokenizer lacks 'replacement'",
      "\"Split\" | `\"Metaspace\", \"replacement\": \"ab\"` | t.json.pre_tokenizer.replacement must be one character",
      "\"Split\" | `\"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"now\"` | "
          + "`t.json.pre_tokenizer.prepend_scheme 'now' is not`",
      "\"Isolated\" | \"Shredded\" | t.json.pre_tokenizer.behavior 'Shredded' is not a split behavior",
      "x+ | x( | `t.json.pre_tokenizer.pattern: the pattern x( is not supported (Unclosed group)`",
      "x+ | \\\\gx | t.json.pre_tokenizer.pattern: the pattern \\gx is not supported",
      "x+ | x{1,2}+ | `t.json.pre_tokenizer.pattern: the pattern x{1,2}+ is not supported`",
      "\"Regex\" | \"Rule\" | t.json.pre_tokenizer.pattern lacks 'Regex'",
      "\"normalizer\": null | \"normalizer\": {\"type\": \"Lowercase\"} | t.json.normalizer: normalizer 'Low",
      "\"content\": \"<e>\" | \"content\": \"\" | t.json.added_tokens[0] has empty content",
      "\"special\": true | \"special\": 1 | t.json.added_tokens[0].special must be true or false",
      "\"unk_token\": null | \"unk_token\": \"u\" | `t.json.model.unk_token names 'u'`",
      "\"dropout\": null | \"dropout\": 0.1 | t.json.model.dropout is not supported",
      "\"dropout\": null | \"end_of_word_suffix\": \"</w>\" | t.json.model.end_of_word_suffix is",
  })
  void isRefusedByName(String part, String replacement, String message) {
    assertThat(GOOD).contains(part);
    assertThatThrownBy(() -> load(GOOD.replaceFirst(
            java.util.regex.Pattern.quote(part), java.util.regex.Matcher.quoteReplacement(replacement))))
        .isInstanceOf(TokenizerException.class).hasMessageStartingWith(message);
  }

  @Test
  void everyTruncationIsRefused() {
    for (int length = 0; length < GOOD.stripTrailing().length(); length += 3) {
      var truncated = GOOD.substring(0, length);
      assertThatThrownBy(() -> load(truncated)).isInstanceOf(TokenizerException.class);
    }
  }

  @Test
  void damagedBytesAreRefusedOrHarmless() throws IOException {
    var random = new Random(3);
    byte[] good = GOOD.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 1500; i++) {
      var damaged = good.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        damaged[random.nextInt(damaged.length)] = (byte) (random.nextBoolean() ? random.nextInt() : '0' + n);
      }
      var file = Files.write(folder.resolve("t.json"), damaged);
      try {
        Tokenizer.load(file).encode("ab<e>xxb");
      } catch (TokenizerException e) {
        assertThat(e).hasMessageNotContaining("\n");
      }
    }
  }

  @Test
  void deepNestingIsRefused() {
    for (int depth : new int[] {99, 200, 100_000, 500_000}) {
      var nested = "{\"type\": \"Sequence\", \"normalizers\": [".repeat(depth);
      assertThatThrownBy(() -> load("{\"normalizer\": " + nested)).isInstanceOf(TokenizerException.class)
          .hasMessageStartingWith("t.json is not valid JSON: ");
      assertThatThrownBy(() -> load("[".repeat(depth))).isInstanceOf(TokenizerException.class);
    }
  }

  @Test
  void otherRootsAndMissingFilesAreRefused() {
    for (var root : new String[] {"[]", "7", "null", "\"x\"", "{}", "{} {}", ""}) {
      assertThatThrownBy(() -> load(root)).as(root).isInstanceOf(TokenizerException.class);
    }
    assertThatThrownBy(() -> Tokenizer.load(folder.resolve("absent.json")))
        .isInstanceOf(TokenizerException.class).hasMessageContaining("absent.json cannot be read");
  }

  @Test
  void aPatternThatRecursesTooDeepIsAnErrorOfTheText() throws IOException {
    var tokenizer = load(GOOD.replace("x+", "(?:x|yz)+"));
    assertThatThrownBy(() -> tokenizer.encode("x".repeat(2_000_000)))
        .isInstanceOf(TokenizerException.class).hasMessageContaining("too long for the tokenizer's pattern");
  }

  @Test
  void aPatternThatBacktracksForeverIsAnErrorOfTheText() throws IOException {
    for (var pattern : new String[] {"(a|aa)+$", "(a+)+b", "(.*a){20}c", "(a)(\\\\1|aa)*d"}) {
      var tokenizer = load(GOOD.replace("x+", pattern));
      assertThat(tokenizer.encode("ab")).isNotEmpty();
      assertThatThrownBy(() -> tokenizer.encode("a".repeat(5000) + "!")).as(pattern)
          .isInstanceOf(TokenizerException.class).hasMessageContaining("'s pattern " );
    }
  }

  private Tokenizer load(String json) throws IOException {
    return Tokenizer.load(Files.writeString(folder.resolve("t.json"), json));
  }
}
