package dev.deepstack.text;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

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
    var merges = model.required("merges").elements();
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

  private static Map<String, Integer> vocabulary(Fields vocab) {
    var ids = HashMap.<String, Integer>newHashMap(vocab.node().size());
    for (var entry : vocab.node().properties()) {
      var where = "%s token '%s'".formatted(vocab.where(), Fields.shorten(entry.getKey()));
      var place = new Fields(entry.getValue(), where);
      ids.put(entry.getKey(), place.number(Vocabulary.MAX_ID));
    }
    if (ids.isEmpty()) {
      throw vocab.broken("is empty");
    }
    return ids;
  }

  private static Merges merges(List<Fields> places, Map<String, Integer> vocabulary) {
    var merges = new Merges(places.size());
    for (var place : places) {
      var pair = pair(place);
      merges.add(
          known(place, pair.left, vocabulary), known(place, pair.right, vocabulary),
          known(place, pair.left + pair.right, vocabulary));
    }
    return merges;
  }

  private record Pair(String left, String right) {}

  /// `"left right"` in older files, `["left", "right"]` in newer ones.
  private static Pair pair(Fields merge) {
    if (merge.node().isString()) {
      var text = merge.text();
      int space = text.indexOf(' ');
      if (space < 0 || space != text.lastIndexOf(' ')) {
        throw merge.broken("must be two tokens with one space between, not '" + Fields.shorten(text) + "'");
      }
      return new Pair(text.substring(0, space), text.substring(space + 1));
    }
    var both = merge.elements();
    if (both.size() != 2) {
      throw merge.broken("must be a pair of tokens, not " + both.size());
    }
    return new Pair(both.getFirst().text(), both.getLast().text());
  }

  private static int known(Fields place, String token, Map<String, Integer> vocabulary) {
    var id = vocabulary.get(token);
    if (id == null) {
      throw place.broken("names '" + Fields.shorten(token) + "', which is not in the vocabulary");
    }
    return id;
  }
}
