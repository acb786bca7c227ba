package dev.deepstack.text;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The tokens by id and by spelling: those of the model, and the added ones over them.
///
/// @param ids id of each spelling
/// @param spellings spelling of each id, null where the file leaves a gap
record Vocabulary(Map<String, Integer> ids, @Nullable String[] spellings, BitSet special) {
  /// Ids beyond this are taken for a broken file.
  static final int MAX_ID = (1 << 22) - 1;

  /// Joins the model's tokens and the added ones.
  static Vocabulary of(Map<String, Integer> model, List<AddedToken> added, String where) {
    int largest = -1;
    for (int id : model.values()) {
      largest = Math.max(largest, id);
    }
    for (var token : added) {
      largest = Math.max(largest, token.id());
    }
    var vocabulary = new Vocabulary(new HashMap<>(), new String[largest + 1], new BitSet());
    model.forEach((spelling, id) -> vocabulary.put(spelling, id, where));
    for (var token : added) {
      vocabulary.put(token.content(), token.id(), where);
      if (token.special()) {
        vocabulary.special.set(token.id());
      }
    }
    return vocabulary;
  }

  private void put(String spelling, int id, String where) {
    var other = spellings[id];
    if (other != null && !other.equals(spelling)) {
      throw new TokenizerException(
          "%s: id %d is given to both '%s' and '%s'".formatted(where, id, other, spelling));
    }
    var otherId = ids.put(spelling, id);
    if (otherId != null && otherId != id) {
      throw new TokenizerException(
          "%s: token '%s' has two ids, %d and %d".formatted(where, spelling, otherId, id));
    }
    spellings[id] = spelling;
  }
}
