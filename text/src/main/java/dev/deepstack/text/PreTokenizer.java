package dev.deepstack.text;

import dev.deepstack.text.SplitBehavior.Span;
import java.util.ArrayList;
import java.util.List;

/// Cuts a normalized text into the words that byte-pair encoding works on.
sealed interface PreTokenizer {
  /// Cuts at a pattern; `inverted` cuts at what lies between its matches.
  record Split(SplitPattern pattern, SplitBehavior behavior, boolean inverted) implements PreTokenizer {}

  /// Spells each word in the byte alphabet, after cutting it with GPT-2's pattern if `usesRegex`.
  record ByteLevel(boolean addsPrefixSpace, boolean usesRegex) implements PreTokenizer {}

  /// SentencePiece's word borders: spaces become `▁`, one is put before a word if `prefix` says so, and the word
  /// is cut before each if `splits`.
  record Metaspace(String space, Prefix prefix, boolean splits) implements PreTokenizer {
    /// Which words get a `▁` in front: all, the one at the start of the text, or none.
    enum Prefix { ALWAYS, FIRST, NEVER }
  }

  /// Each in turn; none at all leaves one word.
  record Chain(List<PreTokenizer> steps) implements PreTokenizer {}

  String GPT2_EXPRESSION =
      "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  /// The pattern that the `ByteLevel` pre-tokenizer implies.
  SplitPattern GPT2 = SplitPattern.regex(GPT2_EXPRESSION, "ByteLevel");

  /// @param atStart whether the first word is at the start of the whole text
  default List<String> apply(List<String> words, boolean atStart) {
    return switch (this) {
      case Split(var pattern, var behavior, var inverted) -> {
        var pieces = new ArrayList<String>();
        for (var word : words) {
          split(word, pattern, behavior, inverted, pieces);
        }
        yield pieces;
      }
      case ByteLevel(var addsPrefixSpace, var usesRegex) -> byteLevel(words, addsPrefixSpace, usesRegex);
      case Metaspace metaspace -> metaspace(words, metaspace, atStart);
      case Chain(var steps) -> {
        var result = words;
        for (var step : steps) {
          result = step.apply(result, atStart);
        }
        yield result;
      }
    };
  }

  private static void split(
      String word, SplitPattern pattern, SplitBehavior behavior, boolean inverted, List<String> pieces) {
    var spans = pattern.spans(word);
    if (inverted) {
      spans = spans.stream().map(span -> new Span(span.start(), span.end(), !span.match())).toList();
    }
    for (var span : behavior.apply(spans)) {
      if (!span.isEmpty()) {
        pieces.add(word.substring(span.start(), span.end()));
      }
    }
  }

  private static List<String> metaspace(List<String> words, Metaspace how, boolean atStart) {
    var border = SplitPattern.literal(how.space);
    var pieces = new ArrayList<String>();
    boolean first = atStart;
    for (var word : words) {
      var spaced = word.replace(" ", how.space);
      boolean prefixed = how.prefix == Metaspace.Prefix.ALWAYS || how.prefix == Metaspace.Prefix.FIRST && first;
      if (prefixed && !spaced.startsWith(how.space)) {
        spaced = how.space + spaced;
      }
      if (how.splits) {
        split(spaced, border, SplitBehavior.MERGED_WITH_NEXT, false, pieces);
      } else {
        pieces.add(spaced);
      }
      first = false;
    }
    return pieces;
  }

  private static List<String> byteLevel(List<String> words, boolean addsPrefixSpace, boolean usesRegex) {
    var pieces = new ArrayList<String>();
    for (var word : words) {
      var prefixed = addsPrefixSpace && !word.startsWith(" ") ? " " + word : word;
      if (usesRegex) {
        split(prefixed, GPT2, SplitBehavior.ISOLATED, false, pieces);
      } else {
        pieces.add(prefixed);
      }
    }
    pieces.replaceAll(ByteAlphabet::spell);
    return pieces;
  }
}
