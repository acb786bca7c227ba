package dev.deepstack.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Pieces that Hugging Face `tokenizers` 0.23.3 cuts with Oniguruma's patterns, piece by piece.
class SplitPatternTest {
  @Test
  void cutsWhereOnigurumaCuts() {
    var vectors = JsonMapper.shared()
        .readTree(Path.of("src/test/resources/tokenizers/split-vectors.json").toFile());
    var differences = new ArrayList<String>();
    for (var row : vectors.get("rows")) {
      var splitter = new PreTokenizer.Split(
          SplitPattern.regex(row.get("pattern").stringValue(), "test"),
          behavior(row.get("behavior").stringValue()), row.get("invert").booleanValue());
      for (int i = 0; i < vectors.get("texts").size(); i++) {
        var text = vectors.get("texts").get(i).stringValue();
        var expected = row.get("pieces").get(i).valueStream().map(JsonNode::stringValue).toList();
        var actual = splitter.apply(List.of(text), true);
        if (!actual.equals(expected)) {
          differences.add("%s %s on %s: %s, expected %s".formatted(
              row.get("pattern"), row.get("behavior"), text, actual, expected));
        }
      }
    }
    assertThat(vectors.get("rows").size()).isGreaterThan(80);
    assertThat(differences).isEmpty();
  }

  private static SplitBehavior behavior(String name) {
    var words = name.replaceAll("(?<=[a-z])([A-Z])", "_$1");
    return SplitBehavior.valueOf(words.toUpperCase(java.util.Locale.ROOT));
  }
}
