package dev.deepstack.text;

import org.jspecify.annotations.Nullable;

/// Reads the `post_processor` of a `tokenizer.json`: which tokens go around a text.
final class PostProcessorReader {
  private static final int MAX_TOKENS = 1000;

  /// The tokens before and after the text.
  record Frame(int[] prefix, int[] suffix) {
    /// This frame with another around it.
    Frame within(Frame outer) {
      var prefixes = new IntList();
      prefixes.addAll(outer.prefix);
      prefixes.addAll(prefix);
      var suffixes = new IntList();
      suffixes.addAll(suffix);
      suffixes.addAll(outer.suffix);
      return new Frame(prefixes.toArray(), suffixes.toArray());
    }
  }

  private PostProcessorReader() {}

  static Frame read(@Nullable Fields section, Vocabulary vocabulary) {
    var none = new Frame(new int[0], new int[0]);
    if (section == null) {
      return none;
    }
    return switch (section.type()) {
      case "ByteLevel" -> none;
      case "TemplateProcessing" -> template(section, vocabulary);
      case "Sequence" -> {
        var frame = none;
        for (var step : section.required("processors").elements()) {
          frame = frame.within(read(step, vocabulary));
        }
        yield frame;
      }
      default -> throw section.unsupported("post-processor");
    };
  }

  private static Frame template(Fields section, Vocabulary vocabulary) {
    var prefix = new IntList();
    var suffix = new IntList();
    boolean textSeen = false;
    for (var piece : section.required("single").elements()) {
      var special = piece.optional("SpecialToken");
      if (special != null) {
        var name = special.required("id").text();
        int[] ids = tokens(section.required("special_tokens").required(name), vocabulary);
        (textSeen ? suffix : prefix).addAll(ids);
      } else if (!textSeen && piece.required("Sequence").required("id").text().equals("A")) {
        textSeen = true;
      } else {
        throw piece.broken("must be a special token or the one sequence A");
      }
    }
    if (!textSeen) {
      throw section.broken("has no place for the text");
    }
    return new Frame(prefix.toArray(), suffix.toArray());
  }

  private static int[] tokens(Fields special, Vocabulary vocabulary) {
    var ids = special.required("ids").elements();
    if (ids.size() > MAX_TOKENS) {
      throw special.broken("has more than " + MAX_TOKENS + " ids");
    }
    return ids.stream().mapToInt(id -> {
      int value = id.number(Vocabulary.MAX_ID);
      if (value >= vocabulary.spellings().length || vocabulary.spellings()[value] == null) {
        throw id.broken("is %d, which no token has".formatted(value));
      }
      return value;
    }).toArray();
  }
}
