package dev.deepstack.text;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/// A byte-pair tokenizer as described by a `tokenizer.json` or the lists of a GGUF file: the same ids as Hugging
/// Face `tokenizers` gives.
/// Immutable, for any number of threads.
public final class Tokenizer {
  private static final Set<String> END_OF_TEXT = Set.of(
      "<|eos|>", "</s>", "<eos>", "[EOS]", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>",
      "<|im_end|>", "<|end|>", "<|return|>", "<|eot|>", "<|end_of_sentence|>", "<end_of_turn>",
      "<｜end▁of▁sentence｜>");

  /// What a file describes, checked. `prefix` and `suffix` are the template's tokens around a text.
  record Parts(
      Vocabulary vocabulary, List<AddedToken> added, Normalizer normalizer, PreTokenizer preTokenizer,
      Bpe.Model model, int[] prefix, int[] suffix, Decoder decoder) {}

  private final Parts parts;
  private final Bpe bpe;
  private final AddedTokenMatcher rawTokens;
  private final AddedTokenMatcher normalizedTokens;

  Tokenizer(Parts parts) {
    this.parts = parts;
    bpe = new Bpe(parts.model);
    rawTokens = new AddedTokenMatcher(
        parts.added.stream().filter(token -> !token.normalized()).toList(), content -> content);
    normalizedTokens = new AddedTokenMatcher(
        parts.added.stream().filter(AddedToken::normalized).toList(), parts.normalizer::apply);
  }

  /// Reads a `tokenizer.json` and checks all of it before use.
  ///
  /// @throws TokenizerException if the file cannot be read, is broken, or needs a part that is not supported
  public static Tokenizer load(Path tokenizerJson) {
    return new Tokenizer(TokenizerFile.read(tokenizerJson));
  }

  /// A tokenizer from the bytes of a `tokenizer.json`, called `name` in messages.
  public static Tokenizer parse(String name, byte[] json) {
    return new Tokenizer(TokenizerFile.read(name, json));
  }

  /// The tokenizer of a GGUF file.
  ///
  /// @throws TokenizerException if the data contradicts itself or needs a part that is not supported
  public static Tokenizer of(TokenizerData data) {
    return new Tokenizer(DataReader.read(data));
  }

  /// The text's tokens, with [EncodeOptions#DEFAULT].
  public int[] encode(String text) {
    return encode(text, EncodeOptions.DEFAULT);
  }

  /// The text's tokens. Unpaired surrogates count as U+FFFD.
  public int[] encode(String text, EncodeOptions options) {
    var ids = new IntList();
    boolean framed = options.frame() == EncodeOptions.Frame.ADDED;
    if (framed) {
      ids.addAll(parts.prefix);
    }
    rawTokens.split(wellFormed(text), options.specialText(), new AddedTokenMatcher.Parts() {
      private boolean atStart = true;

      @Override
      public void text(String part) {
        encodeNormalized(parts.normalizer.apply(part), atStart, options, ids);
        atStart = false;
      }

      @Override
      public void token(int id) {
        ids.add(id);
        atStart = false;
      }
    });
    if (framed) {
      ids.addAll(parts.suffix);
    }
    return ids.toArray();
  }

  private void encodeNormalized(String text, boolean startsText, EncodeOptions options, IntList ids) {
    normalizedTokens.split(text, options.specialText(), new AddedTokenMatcher.Parts() {
      private boolean atStart = startsText;

      @Override
      public void text(String part) {
        for (var word : parts.preTokenizer.apply(List.of(part), atStart)) {
          bpe.encode(word, ids);
        }
        atStart = false;
      }

      @Override
      public void token(int id) {
        ids.add(id);
        atStart = false;
      }
    });
  }

  /// The text of these tokens, special ones hidden.
  ///
  /// @throws TokenizerException if the tokenizer has no such token
  public String decode(int... ids) {
    return decode(SpecialTokens.HIDDEN, ids);
  }

  /// The text of these tokens.
  ///
  /// @throws TokenizerException if the tokenizer has no such token
  public String decode(SpecialTokens specialTokens, int... ids) {
    var decoder = incrementalDecoder(specialTokens);
    for (int id : ids) {
      decoder.accept(id);
    }
    return decoder.flush();
  }

  /// A decoder for tokens that come one by one, special ones hidden.
  public IncrementalDecoder incrementalDecoder() {
    return incrementalDecoder(SpecialTokens.HIDDEN);
  }

  /// A decoder for tokens that come one by one.
  public IncrementalDecoder incrementalDecoder(SpecialTokens specialTokens) {
    return new IncrementalDecoder(this, specialTokens);
  }

  /// The largest id plus one. A model's logits may be longer, never shorter.
  public int vocabSize() {
    return parts.vocabulary.spellings().length;
  }

  /// The id of the token that is spelled so in the file, byte alphabet and all.
  public OptionalInt id(String token) {
    var id = parts.vocabulary.ids().get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /// The token's spelling in the file.
  ///
  /// @throws TokenizerException if the tokenizer has no such token
  public String token(int id) {
    var spellings = parts.vocabulary.spellings();
    if (id < 0 || id >= spellings.length) {
      throw new TokenizerException("token id %d is out of range: the tokenizer has 0 to %d"
          .formatted(id, spellings.length - 1));
    }
    var spelling = spellings[id];
    if (spelling == null) {
      throw new TokenizerException("token id %d is not assigned in the tokenizer".formatted(id));
    }
    return spelling;
  }

  /// Whether the token has a meaning of its own and is hidden in decoded text.
  public boolean isSpecial(int id) {
    return parts.vocabulary.special().get(Math.max(0, id)) && id >= 0;
  }

  /// Special tokens that, by their customary names, end a text or a turn, in order of id. The file does not
  /// say which of them a model uses.
  public int[] endOfTextCandidates() {
    return parts.added.stream()
        .filter(token -> token.special() && END_OF_TEXT.contains(token.content()))
        .mapToInt(AddedToken::id).sorted().toArray();
  }

  Decoder decoder() {
    return parts.decoder;
  }

  private static String wellFormed(String text) {
    if (text.codePoints().noneMatch(Tokenizer::isSurrogate)) {
      return text;
    }
    var repaired = new StringBuilder();
    text.codePoints()
        .map(c -> isSurrogate(c) ? 0xFFFD : c)
        .forEach(repaired::appendCodePoint);
    return repaired.toString();
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }
}
