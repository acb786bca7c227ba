package dev.deepstack.text;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Reads the `model` of a `tokenizer.json`.
final class ModelReader {
  private ModelReader() {}

  static Bpe.Model read(Fields model) {
    if (!model.type().equals("BPE")) {
      throw model.unsupported("model");
    }
    refuseAffix(model, "continuing_subword_prefix");
    refuseAffix(model, "end_of_word_suffix");
    var dropout = model.optional("dropout");
    if (dropout != null && dropout.node().asDouble(1) != 0) {
      throw dropout.broken("is not supported: encoding must not be random");
    }
    var vocabulary = vocabulary(model.required("vocab").object());
    var merges = model.required("merges");
    var unknown = model.optional("unk_token");
    return new Bpe.Model(
        vocabulary, merges(merges, vocabulary),
        unknown == null ? -1 : known(unknown, unknown.text(), vocabulary),
        model.flag("fuse_unk", false), model.flag("byte_fallback", false),
        model.flag("ignore_merges", false));
  }

  private static void refuseAffix(Fields model, String key) {
    var affix = model.optional(key);
    if (affix != null && !affix.text().isEmpty()) {
      throw affix.broken("is not supported");
    }
  }

  /// Files have some hundred thousand tokens and merges: places are named only where something is wrong.
  private static Map<String, Integer> vocabulary(Fields vocab) {
    var ids = HashMap.<String, Integer>newHashMap(vocab.node().size());
    for (var entry : vocab.node().properties()) {
      var id = entry.getValue();
      if (!id.isInt() || id.intValue() < 0 || id.intValue() > Vocabulary.MAX_ID) {
        var where = "%s token '%s'".formatted(vocab.where(), Fields.shorten(entry.getKey()));
        new Fields(id, where).number(Vocabulary.MAX_ID);
      }
      ids.put(entry.getKey(), id.intValue());
    }
    if (ids.isEmpty()) {
      throw vocab.broken("is empty");
    }
    return ids;
  }

  private static Merges merges(Fields list, Map<String, Integer> vocabulary) {
    var merges = new Merges(list.array().size());
    int index = 0;
    for (var merge : list.node()) {
      var pair = pair(merge);
      var left = pair == null ? null : vocabulary.get(pair.left);
      var right = pair == null ? null : vocabulary.get(pair.right);
      var both = pair == null ? null : vocabulary.get(pair.left + pair.right);
      if (left == null || right == null || both == null) {
        throw broken(new Fields(merge, list.where() + "[" + index + "]"), vocabulary);
      }
      merges.add(left, right, both);
      index++;
    }
    return merges;
  }

  private record Pair(String left, String right) {}

  /// `"left right"` in older files, `["left", "right"]` in newer ones; null for anything else.
  private static @Nullable Pair pair(JsonNode merge) {
    if (merge.isString()) {
      var text = merge.stringValue();
      int space = text.indexOf(' ');
      return space < 0 || space != text.lastIndexOf(' ')
          ? null : new Pair(text.substring(0, space), text.substring(space + 1));
    }
    boolean texts = merge.size() == 2 && merge.isArray() && merge.get(0).isString() && merge.get(1).isString();
    return texts ? new Pair(merge.get(0).stringValue(), merge.get(1).stringValue()) : null;
  }

  /// What is wrong with a merge.
  private static TokenizerException broken(Fields merge, Map<String, Integer> vocabulary) {
    var pair = pair(merge.node());
    if (pair != null) {
      var tokens = List.of(pair.left, pair.right, pair.left + pair.right);
      var missing = tokens.stream().filter(token -> !vocabulary.containsKey(token)).findFirst().orElse("");
      return merge.broken("names '" + Fields.shorten(missing) + "', which is not in the vocabulary");
    }
    if (merge.node().isString()) {
      return merge.broken(
          "must be two tokens with one space between, not '" + Fields.shorten(merge.text()) + "'");
    }
    var both = merge.elements();
    if (both.size() != 2) {
      return merge.broken("must be a pair of tokens, not " + both.size());
    }
    both.forEach(Fields::text);
    return merge.broken("must be a pair of tokens");
  }

  private static int known(Fields place, String token, Map<String, Integer> vocabulary) {
    var id = vocabulary.get(token);
    if (id == null) {
      throw place.broken("names '" + Fields.shorten(token) + "', which is not in the vocabulary");
    }
    return id;
  }
}
