package dev.deepstack.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Ids and texts that Hugging Face `tokenizers` 0.23.3 gives for tokenizers of several kinds.
class TokenizerVectorsTest {
  private static final Path FOLDER = Path.of("src/test/resources/tokenizers");
  private static final EncodeOptions BARE = EncodeOptions.DEFAULT.with(EncodeOptions.Frame.OMITTED);
  private static final EncodeOptions PLAIN = EncodeOptions.DEFAULT.with(EncodeOptions.SpecialText.PLAIN);

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama3", "deepseek", "cased", "llama2", "words"})
  void givesTheSameIdsAndTexts(String name) {
    var tokenizer = Tokenizer.load(FOLDER.resolve(name + ".json"));
    var cases = vectors(name).get("cases");
    var differences = new ArrayList<String>();
    for (var vector : cases) {
      var text = vector.get("text").stringValue();
      int[] ids = ints(vector.get("ids"));
      int[] bare = vector.has("bare") ? ints(vector.get("bare")) : ids;
      compare("ids of " + text, tokenizer.encode(text), ids, differences);
      compare("bare ids of " + text, tokenizer.encode(text, BARE), bare, differences);
      compare("shown text of " + text, tokenizer.decode(SpecialTokens.SHOWN, ids),
          vector.path("shown").stringValue(text), differences);
      compare("text of " + text, tokenizer.decode(ids), vector.path("hidden").stringValue(text), differences);
    }
    assertThat(cases.size()).isGreaterThan(500);
    assertThat(differences).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama3", "deepseek", "cased", "llama2", "words"})
  void readsSpecialTokensAsPlainTextOnRequest(String name) {
    var tokenizer = Tokenizer.load(FOLDER.resolve(name + ".json"));
    var differences = new ArrayList<String>();
    for (var vector : vectors(name).get("plain")) {
      var text = vector.get("text").stringValue();
      compare("ids of " + text, tokenizer.encode(text, PLAIN), ints(vector.get("ids")), differences);
    }
    assertThat(differences).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama3", "deepseek", "cased", "llama2", "words"})
  void decodesAnyIdsAtOnceAndOneByOne(String name) {
    var tokenizer = Tokenizer.load(FOLDER.resolve(name + ".json"));
    var differences = new ArrayList<String>();
    for (var vector : vectors(name).get("decode")) {
      int[] ids = ints(vector.get("ids"));
      var expected = vector.get("shown").stringValue();
      compare("text of " + vector, tokenizer.decode(SpecialTokens.SHOWN, ids), expected, differences);
      var decoder = tokenizer.incrementalDecoder(SpecialTokens.SHOWN);
      var pieces = new StringBuilder();
      for (int id : ids) {
        pieces.append(decoder.add(id));
      }
      compare("pieces of " + vector, pieces.append(decoder.flush()).toString(), expected, differences);
    }
    assertThat(differences).isEmpty();
  }

  private static void compare(String what, int[] actual, int[] expected, List<String> differences) {
    compare(what, Arrays.toString(actual), Arrays.toString(expected), differences);
  }

  private static void compare(String what, String actual, String expected, List<String> differences) {
    if (!actual.equals(expected)) {
      differences.add("%s: %s, expected %s".formatted(what, actual, expected));
    }
  }

  private static JsonNode vectors(String name) {
    return JsonMapper.shared().readTree(FOLDER.resolve(name + "-vectors.json").toFile());
  }

  private static int[] ints(JsonNode array) {
    return array.valueStream().mapToInt(JsonNode::intValue).toArray();
  }
}
