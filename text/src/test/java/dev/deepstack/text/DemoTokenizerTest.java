package dev.deepstack.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DemoTokenizerTest {
  private static final Path DEMO = Path.of("../models/demo");

  private final Tokenizer tokenizer = Tokenizer.load(DEMO.resolve("tokenizer.json"));

  @Test
  void encodesTheDemoPromptsAndDecodesTheirContinuations() {
    var golden = JsonMapper.shared().readTree(DEMO.resolve("golden.json").toFile());
    assertThat(golden.get("cases").size()).isPositive();
    for (var vector : golden.get("cases")) {
      assertThat(tokenizer.encode(vector.get("prompt").stringValue()))
          .isEqualTo(ints(vector.get("prompt_ids")));
      assertThat(tokenizer.decode(ints(vector.get("greedy_ids"))))
          .isEqualTo(vector.get("greedy_text").stringValue());
    }
  }

  @Test
  void knowsItsTokens() {
    assertThat(tokenizer.vocabSize()).isEqualTo(1024);
    assertThat(tokenizer.id("<|eos|>")).hasValue(1);
    assertThat(tokenizer.id("no such token")).isEmpty();
    assertThat(tokenizer.token(0)).isEqualTo("<|bos|>");
    assertThat(tokenizer.isSpecial(0)).isTrue();
    assertThat(tokenizer.isSpecial(2)).isFalse();
    assertThat(tokenizer.isSpecial(-1)).isFalse();
    assertThat(tokenizer.endOfTextCandidates()).containsExactly(1);
  }

  @Test
  void refusesIdsOutOfRange() {
    for (int id : new int[] {-1, 1024, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> tokenizer.decode(5, id)).isInstanceOf(TokenizerException.class)
          .hasMessage("token id %d is out of range: the tokenizer has 0 to 1023", id);
    }
  }

  @Test
  void takesUnpairedSurrogatesForReplacementCharacters() {
    assertThat(tokenizer.decode(tokenizer.encode("a\ud800b\udc00"))).isEqualTo("a\ufffdb\ufffd");
  }

  @Test
  void returnsWhatItWasGivenForAnyText() {
    var random = new Random(1);
    for (int i = 0; i < 2000; i++) {
      var text = new StringBuilder();
      random.ints(random.nextInt(30), 1, 0x2FFFF)
          .map(c -> c % 3 == 0 ? c % 128 : c).filter(c -> c < 0xD800 || c > 0xDFFF)
          .forEach(text::appendCodePoint);
      assertThat(tokenizer.decode(tokenizer.encode(text.toString()))).isEqualTo(text.toString());
    }
  }

  @Test
  void takesLongWordsInItsStride() {
    var text = "thethethe".repeat(60_000) + " ".repeat(200_000) + "\n".repeat(200_000) + "?!".repeat(100_000);
    Assertions.assertTimeout(Duration.ofSeconds(20), () ->
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text));
  }

  @Test
  void neverEmitsHalfACharacter() {
    var decoder = tokenizer.incrementalDecoder();
    var pieces = new StringBuilder();
    for (int id : tokenizer.encode("é 中 👍🏽")) {
      var piece = decoder.add(id);
      assertThat(piece).doesNotContain("\ufffd");
      assertThat(piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1))).isTrue();
      pieces.append(piece);
    }
    assertThat(pieces).hasToString("é 中 👍🏽");
    assertThat(decoder.flush()).isEmpty();
  }

  @Test
  void showsACharacterLeftHalfDoneWhenFlushed() {
    var decoder = tokenizer.incrementalDecoder();
    assertThat(decoder.add(tokenizer.encode("é")[0])).isEmpty();
    assertThat(decoder.flush()).isEqualTo("\ufffd");
    assertThat(decoder.add(tokenizer.encode("a")[0])).isEqualTo("a");
    assertThat(decoder.flush()).isEmpty();
  }

  @Test
  void hidesSpecialTokensUnlessAskedToShowThem() {
    int[] ids = tokenizer.encode("<|bos|>a<|eos|>");
    assertThat(tokenizer.decode(ids)).isEqualTo("a");
    assertThat(tokenizer.decode(SpecialTokens.SHOWN, ids)).isEqualTo("<|bos|>a<|eos|>");
  }

  private static int[] ints(JsonNode array) {
    return array.valueStream().mapToInt(JsonNode::intValue).toArray();
  }
}
