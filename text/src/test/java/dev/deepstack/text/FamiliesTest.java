package dev.deepstack.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Tokenizers configured like those of the model families, from `tokenizer.json` and from the lists of a GGUF
/// file, against what `fixtures/make_tokenizers.py` recorded of Hugging Face `tokenizers` and `sentencepiece`.
class FamiliesTest {
  private static final Path FOLDER = Path.of("src/test/resources/tokenizers/families");
  private static final JsonNode VECTORS = JsonMapper.shared().readTree(FOLDER.resolve("vectors.json").toFile());
  private static final Set<String> WITH_BEGIN = Set.of("llama-bpe", "tekken");

  static List<String> names() {
    return VECTORS.get("families").propertyStream().map(entry -> entry.getKey()).toList();
  }

  static List<String> byteLevelNames() {
    return names().stream().filter(name -> !name.startsWith("metaspace")).toList();
  }

  @ParameterizedTest
  @MethodSource("names")
  void aTokenizerFileGivesTheRecordedIdsAndTexts(String name) {
    check(Tokenizer.load(FOLDER.resolve(name + ".json")), VECTORS.get("families").get(name));
  }

  /// The split rules that a GGUF file only names.
  @ParameterizedTest
  @MethodSource("byteLevelNames")
  void theListsOfAGgufFileGiveTheSame(String name) {
    var file = JsonMapper.shared().readTree(FOLDER.resolve(name + ".json").toFile());
    var vocabulary = file.get("model").get("vocab");
    var tokens = new String[vocabulary.size()];
    vocabulary.propertyStream().forEach(entry -> tokens[entry.getValue().intValue()] = entry.getKey());
    var types = new int[tokens.length];
    Arrays.fill(types, 1);
    file.get("added_tokens").forEach(token -> types[token.get("id").intValue()] = 3);
    var merges = file.get("model").get("merges").valueStream()
        .map(merge -> merge.get(0).stringValue() + " " + merge.get(1).stringValue()).toList();
    var data = new TokenizerData(
        name, "gpt2", name, List.of(tokens), new float[0], types, merges, 0, 1, null, null, null, null);
    check(Tokenizer.of(data), VECTORS.get("families").get(name));
    var others = Tokenizer.of(data).encode("a").length - Tokenizer.of(data).encode(
        "a", EncodeOptions.DEFAULT.with(EncodeOptions.Frame.OMITTED)).length;
    assertThat(others).isEqualTo(WITH_BEGIN.contains(name) ? 1 : 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void scoresMergeAsInSentencePiece(int index) {
    var recorded = VECTORS.get("sentencepiece").get(index);
    var tokenizer = Tokenizer.of(sentencePiece(recorded));
    var plain = new EncodeOptions(EncodeOptions.Frame.OMITTED, EncodeOptions.SpecialText.PLAIN);
    var differences = new ArrayList<String>();
    for (int i = 0; i < VECTORS.get("texts").size(); i++) {
      var text = VECTORS.get("texts").get(i).stringValue();
      int[] ids = ints(recorded.get("ids").get(i));
      compare("ids of " + text, tokenizer.encode(text, plain), ids, differences);
      compare("text of " + text, tokenizer.decode(ids), recorded.get("text").get(i).stringValue(), differences);
      compare("pieces of " + text, oneByOne(tokenizer, SpecialTokens.HIDDEN, ids),
          tokenizer.decode(ids), differences);
    }
    assertThat(differences).isEmpty();
  }

  static TokenizerData sentencePiece(JsonNode recorded) {
    var scores = new float[recorded.get("scores").size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = recorded.get("scores").get(i).floatValue();
    }
    var tokens = recorded.get("tokens").valueStream().map(JsonNode::stringValue).toList();
    return new TokenizerData("sp", "llama", null, tokens, scores, ints(recorded.get("types")), List.of(), 1, 2, 0,
        null, null, recorded.get("prefixed").booleanValue());
  }

  private static void check(Tokenizer tokenizer, JsonNode recorded) {
    var differences = new ArrayList<String>();
    for (int i = 0; i < VECTORS.get("texts").size(); i++) {
      var text = VECTORS.get("texts").get(i).stringValue();
      int[] ids = ints(recorded.get("ids").get(i));
      compare("ids of " + text, tokenizer.encode(text), ids, differences);
      compare("text of " + text, tokenizer.decode(ids), recorded.get("text").get(i).stringValue(), differences);
    }
    for (int i = 0; i < recorded.get("lists").size(); i++) {
      int[] ids = ints(recorded.get("lists").get(i));
      var shown = recorded.get("shown").get(i).stringValue();
      compare("text of " + Arrays.toString(ids), tokenizer.decode(SpecialTokens.SHOWN, ids), shown, differences);
      compare("pieces of " + Arrays.toString(ids), oneByOne(tokenizer, SpecialTokens.SHOWN, ids), shown,
          differences);
    }
    assertThat(differences).isEmpty();
  }

  /// The text of tokens that come one by one, where no piece may end inside a character.
  private static String oneByOne(Tokenizer tokenizer, SpecialTokens specialTokens, int[] ids) {
    var decoder = tokenizer.incrementalDecoder(specialTokens);
    var text = new StringBuilder();
    for (int id : ids) {
      var piece = decoder.add(id);
      assertThat(piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1))).isTrue();
      text.append(piece);
    }
    return text.append(decoder.flush()).toString();
  }

  private static void compare(String what, int[] actual, int[] expected, List<String> differences) {
    compare(what, Arrays.toString(actual), Arrays.toString(expected), differences);
  }

  private static void compare(String what, String actual, String expected, List<String> differences) {
    if (!actual.equals(expected)) {
      differences.add("%s: %s, expected %s".formatted(what, actual, expected));
    }
  }

  private static int[] ints(JsonNode row) {
    return row.stringValue().isEmpty()
        ? new int[0] : Arrays.stream(row.stringValue().split(" ")).mapToInt(Integer::parseInt).toArray();
  }
}
