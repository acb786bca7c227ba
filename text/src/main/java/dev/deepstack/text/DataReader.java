package dev.deepstack.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Turns [TokenizerData] into checked parts.
final class DataReader {
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int BYTE = 6;

  /// Longer tokens are taken for a broken file: every way to cut one in two is looked up.
  private static final int MAX_PIECE = 4096;

  private static final String SPACE = "▁";

  private final TokenizerData data;

  private DataReader(TokenizerData data) {
    this.data = data;
  }

  static Tokenizer.Parts read(TokenizerData data) {
    var reader = new DataReader(data);
    reader.check();
    return switch (data.model()) {
      case "gpt2" -> reader.byteLevel();
      case "llama" -> reader.sentencePiece();
      default -> throw reader.broken(
          "the tokenizer model '%s' is not supported".formatted(Fields.shorten(data.model())));
    };
  }

  private TokenizerException broken(String problem) {
    return new TokenizerException(data.name() + ": " + problem);
  }

  private void check() {
    int count = data.tokens().size();
    if (count == 0) {
      throw broken("the tokenizer has no tokens");
    }
    if (count > Vocabulary.MAX_ID + 1) {
      throw broken("%d tokens are more than any tokenizer has".formatted(count));
    }
    sameLength("scores", data.scores().length);
    sameLength("token types", data.types().length);
    for (int i = 0; i < data.types().length; i++) {
      if (data.types()[i] < 0 || data.types()[i] > BYTE) {
        throw broken("token %d is of type %d, which does not exist".formatted(i, data.types()[i]));
      }
    }
    inRange("begin", data.begin());
    inRange("end", data.end());
    inRange("unknown", data.unknown());
  }

  private void sameLength(String what, int length) {
    if (length != 0 && length != data.tokens().size()) {
      throw broken("there are %d %s for %d tokens".formatted(length, what, data.tokens().size()));
    }
  }

  private void inRange(String role, @Nullable Integer id) {
    if (id != null && (id < 0 || id >= data.tokens().size())) {
      throw broken("the %s token %d is out of range: the tokenizer has 0 to %d"
          .formatted(role, id, data.tokens().size() - 1));
    }
  }

  private Tokenizer.Parts byteLevel() {
    var rules = SplitRules.named(data.pre() == null ? "default" : data.pre(), data.name());
    var ids = ids();
    var merges = new Merges(data.merges().size());
    for (int rank = 0; rank < data.merges().size(); rank++) {
      var merge = data.merges().get(rank);
      int space = merge.indexOf(' ', 1);
      if (space < 0 || space != merge.lastIndexOf(' ')) {
        throw broken("merge %d must be two tokens with one space between, not '%s'"
            .formatted(rank, Fields.shorten(merge)));
      }
      var left = merge.substring(0, space);
      var right = merge.substring(space + 1);
      merges.add(known(rank, left, ids), known(rank, right, ids), known(rank, left + right, ids));
    }
    var model = new Bpe.Model(ids, merges, -1, false, false, rules.ignoresMerges());
    return parts(rules.normalizer(), rules.preTokenizer(), model, ids, rules.addsBegin(),
        new Decoder.ByteLevel());
  }

  private int known(int rank, String token, Map<String, Integer> ids) {
    var id = ids.get(token);
    if (id == null) {
      throw broken("merge %d names '%s', which is not a token".formatted(rank, Fields.shorten(token)));
    }
    return id;
  }

  private Tokenizer.Parts sentencePiece() {
    if (data.scores().length == 0) {
      throw broken("a SentencePiece tokenizer needs the scores of its tokens");
    }
    var ids = ids();
    boolean prefixed = data.addsSpacePrefix() == null || data.addsSpacePrefix();
    var steps = new ArrayList<Normalizer>();
    if (prefixed) {
      steps.add(new Normalizer.Prepend(SPACE));
    }
    steps.add(new Normalizer.Replace(SplitPattern.literal(" "), SPACE));
    var decoder = new ArrayList<Decoder>(List.of(
        new Decoder.Replace(SplitPattern.literal(SPACE), " "), new Decoder.ByteFallback(),
        new Decoder.Fuse()));
    if (prefixed) {
      decoder.add(new Decoder.Strip(' ', 1, 0));
    }
    var model = new Bpe.Model(ids, mergesByScore(ids), unknown(), true, hasBytes(ids), false);
    return parts(new Normalizer.Chain(steps), new PreTokenizer.Chain(List.of()), model, ids, true,
        new Decoder.Chain(decoder));
  }

  private boolean hasBytes(Map<String, Integer> ids) {
    return ids.containsKey("<0x00>") && ids.containsKey("<0xFF>");
  }

  private int unknown() {
    if (data.unknown() != null) {
      return data.unknown();
    }
    for (int id = 0; id < data.tokens().size(); id++) {
      if (type(id) == UNKNOWN) {
        return id;
      }
    }
    return -1;
  }

  /// Two neighbours merge when together they spell a token; the token of highest score goes first. All such
  /// pairs are known beforehand: every way to cut a token in two tokens.
  private Merges mergesByScore(Map<String, Integer> ids) {
    var order = new ArrayList<Integer>();
    for (int id = 0; id < data.tokens().size(); id++) {
      int type = type(id);
      if (Float.isNaN(data.scores()[id])) {
        throw broken("token %d has no number for a score".formatted(id));
      }
      if (data.tokens().get(id).length() > MAX_PIECE) {
        throw broken("token %d has more than %d characters".formatted(id, MAX_PIECE));
      }
      if (type != UNKNOWN && type != CONTROL && type != BYTE) {
        order.add(id);
      }
    }
    var scores = data.scores();
    order.sort((a, b) -> Float.compare(scores[b] + 0f, scores[a] + 0f));
    var merges = new Merges(order.size() * 2);
    int rank = -1;
    float last = Float.NaN;
    for (int id : order) {
      if (scores[id] != last) {
        rank++;
        last = scores[id];
      }
      addCuts(id, rank, ids, merges);
    }
    return merges;
  }

  private void addCuts(int id, int rank, Map<String, Integer> ids, Merges merges) {
    var token = data.tokens().get(id);
    for (int cut = 1; cut < token.length(); cut++) {
      if (Character.isLowSurrogate(token.charAt(cut))) {
        continue;
      }
      var left = ids.get(token.substring(0, cut));
      var right = left == null ? null : ids.get(token.substring(cut));
      if (left != null && right != null) {
        merges.add(left, right, id, rank);
      }
    }
  }

  /// The file's type; without types, what the spelling says.
  private int type(int id) {
    if (data.types().length > 0) {
      return data.types()[id];
    }
    var token = data.tokens().get(id);
    if (token.length() == 6 && token.startsWith("<0x") && token.endsWith(">")) {
      return BYTE;
    }
    boolean role = isIn(data.begin(), id) || isIn(data.end(), id);
    return isIn(data.unknown(), id) ? UNKNOWN : role ? CONTROL : 1;
  }

  private static boolean isIn(@Nullable Integer role, int id) {
    return role != null && role == id;
  }

  private Map<String, Integer> ids() {
    var ids = HashMap.<String, Integer>newHashMap(data.tokens().size());
    for (int id = 0; id < data.tokens().size(); id++) {
      var token = data.tokens().get(id);
      var other = token.isEmpty() ? null : ids.put(token, id);
      if (other != null) {
        throw broken("token '%s' has two ids, %d and %d".formatted(Fields.shorten(token), other, id));
      }
    }
    return ids;
  }

  private Tokenizer.Parts parts(
      Normalizer normalizer, PreTokenizer preTokenizer, Bpe.Model model, Map<String, Integer> ids,
      boolean addsBegin, Decoder decoder) {
    var added = new ArrayList<AddedToken>();
    for (int id = 0; id < data.tokens().size(); id++) {
      int type = type(id);
      var token = data.tokens().get(id);
      if (!token.isEmpty() && (type == UNKNOWN || type == CONTROL || type == USER_DEFINED)) {
        added.add(new AddedToken(id, token, false, false, false, false, type != USER_DEFINED));
      }
    }
    return new Tokenizer.Parts(
        Vocabulary.of(ids, added, data.name()), added, normalizer, preTokenizer, model,
        frame(data.begin(), data.addsBegin() == null ? addsBegin && data.begin() != null : data.addsBegin(),
            "begin"),
        frame(data.end(), data.addsEnd() != null && data.addsEnd(), "end"), decoder);
  }

  private int[] frame(@Nullable Integer token, boolean added, String role) {
    if (!added) {
      return new int[0];
    }
    if (token == null) {
      throw broken("the %s token is to be added, but the file does not say which it is".formatted(role));
    }
    return new int[] {token};
  }
}
