package dev.deepstack.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reads a `tokenizer.json` into checked parts. Sections about batches (`truncation`, `padding`) have no
/// meaning here.
final class TokenizerFile {
  private static final long MAX_BYTES = 256L << 20;
  private static final int MAX_DEPTH = 100;
  private static final int MAX_COUNT = 1 << 20;

  private TokenizerFile() {}

  static Tokenizer.Parts read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new TokenizerException(
            "%s is larger than %d MiB: no tokenizer is".formatted(file, MAX_BYTES >> 20));
      }
      return read(String.valueOf(file.getFileName()), Files.readAllBytes(file));
    } catch (IOException e) {
      throw new TokenizerException("%s cannot be read: %s".formatted(file, e), e);
    }
  }

  /// Reads the bytes of a tokenizer.json that is called `name` in messages.
  static Tokenizer.Parts read(String name, byte[] json) {
    var root = new Fields(parse(name, json), name).object();
    var added = addedTokens(root.optional("added_tokens"));
    var model = ModelReader.read(root.required("model"));
    var vocabulary = Vocabulary.of(model.vocabulary(), added, root.where());
    var frame = PostProcessorReader.read(root.optional("post_processor"), vocabulary);
    var decoder = root.optional("decoder");
    return new Tokenizer.Parts(
        vocabulary, added, normalizer(root.optional("normalizer")),
        preTokenizer(root.optional("pre_tokenizer")), model, frame.prefix(), frame.suffix(),
        decoder == null ? new Decoder.Spaced() : decoder(decoder));
  }

  private static JsonNode parse(String name, byte[] json) {
    var factory = JsonFactory.builder()
        .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
        .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
        .build();
    try {
      return JsonMapper.builder(factory).build().readTree(json);
    } catch (JacksonException e) {
      var problem = Fields.shorten(e.getOriginalMessage());
      throw new TokenizerException("%s is not valid JSON: %s".formatted(name, problem), e);
    }
  }

  private static List<AddedToken> addedTokens(@Nullable Fields tokens) {
    var added = new ArrayList<AddedToken>();
    for (var token : tokens == null ? List.<Fields>of() : tokens.elements()) {
      var content = token.required("content").text();
      if (content.isEmpty()) {
        throw token.broken("has empty content");
      }
      boolean special = token.flag("special", false);
      added.add(new AddedToken(
          token.required("id").number(Vocabulary.MAX_ID), content, token.flag("single_word", false),
          token.flag("lstrip", false), token.flag("rstrip", false), token.flag("normalized", !special),
          special));
    }
    return added;
  }

  private static Normalizer normalizer(@Nullable Fields section) {
    if (section == null) {
      return new Normalizer.Chain(List.of());
    }
    return switch (section.type()) {
      case "Sequence" -> new Normalizer.Chain(
          section.required("normalizers").elements().stream().map(TokenizerFile::normalizer).toList());
      case "NFC", "NFD", "NFKC", "NFKD" -> new Normalizer.Unicode(Form.valueOf(section.type()));
      case "Prepend" -> new Normalizer.Prepend(section.required("prepend").text());
      case "Replace" -> new Normalizer.Replace(
          pattern(section.required("pattern")), section.required("content").text());
      default -> throw section.unsupported("normalizer");
    };
  }

  private static PreTokenizer preTokenizer(@Nullable Fields section) {
    if (section == null) {
      return new PreTokenizer.Chain(List.of());
    }
    return switch (section.type()) {
      case "Sequence" -> new PreTokenizer.Chain(
          section.required("pretokenizers").elements().stream().map(TokenizerFile::preTokenizer).toList());
      case "ByteLevel" -> new PreTokenizer.ByteLevel(
          section.required("add_prefix_space").flag(), section.flag("use_regex", true));
      case "Split" -> new PreTokenizer.Split(
          pattern(section.required("pattern")), behavior(section.required("behavior")),
          section.flag("invert", false));
      case "Digits" -> new PreTokenizer.Split(
          SplitPattern.regex("\\p{N}", section.where()),
          section.flag("individual_digits", false) ? SplitBehavior.ISOLATED : SplitBehavior.CONTIGUOUS,
          false);
      case "Punctuation" -> new PreTokenizer.Split(
          SplitPattern.regex("[\\p{P}$+<=>\\^`|~]", section.where()),
          section.optional("behavior") == null
              ? SplitBehavior.ISOLATED : behavior(section.required("behavior")),
          false);
      case "Metaspace" -> {
        var prefix = prefix(section);
        yield new PreTokenizer.Metaspace(replacement(section), prefix, section.flag("split", true));
      }
      default -> throw section.unsupported("pre-tokenizer");
    };
  }

  private static String replacement(Fields section) {
    var replacement = section.required("replacement");
    if (replacement.text().codePointCount(0, replacement.text().length()) != 1) {
      throw replacement.broken("must be one character");
    }
    return replacement.text();
  }

  /// Older files have `add_prefix_space` instead.
  private static PreTokenizer.Metaspace.Prefix prefix(Fields section) {
    var scheme = section.optional("prepend_scheme");
    if (scheme == null) {
      return section.flag("add_prefix_space", true)
          ? PreTokenizer.Metaspace.Prefix.ALWAYS : PreTokenizer.Metaspace.Prefix.NEVER;
    }
    return switch (scheme.text()) {
      case "always" -> PreTokenizer.Metaspace.Prefix.ALWAYS;
      case "first" -> PreTokenizer.Metaspace.Prefix.FIRST;
      case "never" -> PreTokenizer.Metaspace.Prefix.NEVER;
      default -> throw scheme.broken("'" + Fields.shorten(scheme.text()) + "' is not a prepend scheme");
    };
  }

  private static SplitBehavior behavior(Fields name) {
    return switch (name.text()) {
      case "Removed" -> SplitBehavior.REMOVED;
      case "Isolated" -> SplitBehavior.ISOLATED;
      case "MergedWithPrevious" -> SplitBehavior.MERGED_WITH_PREVIOUS;
      case "MergedWithNext" -> SplitBehavior.MERGED_WITH_NEXT;
      case "Contiguous" -> SplitBehavior.CONTIGUOUS;
      default -> throw name.broken("'" + Fields.shorten(name.text()) + "' is not a split behavior");
    };
  }

  private static SplitPattern pattern(Fields pattern) {
    var literal = pattern.optional("String");
    return literal != null
        ? SplitPattern.literal(literal.text())
        : SplitPattern.regex(pattern.required("Regex").text(), pattern.where());
  }

  private static Decoder decoder(Fields section) {
    return switch (section.type()) {
      case "Sequence" -> new Decoder.Chain(
          section.required("decoders").elements().stream().map(TokenizerFile::decoder).toList());
      case "ByteLevel" -> new Decoder.ByteLevel();
      case "ByteFallback" -> new Decoder.ByteFallback();
      case "Fuse" -> new Decoder.Fuse();
      case "Metaspace" -> new Decoder.Metaspace(
          replacement(section), prefix(section) != PreTokenizer.Metaspace.Prefix.NEVER);
      case "Replace" -> new Decoder.Replace(
          pattern(section.required("pattern")), section.required("content").text());
      case "Strip" -> strip(section);
      default -> throw section.unsupported("decoder");
    };
  }

  private static Decoder strip(Fields section) {
    var content = section.required("content");
    if (content.text().length() != 1) {
      throw content.broken("must be one character");
    }
    return new Decoder.Strip(
        content.text().charAt(0), section.required("start").number(MAX_COUNT),
        section.required("stop").number(MAX_COUNT));
  }
}
