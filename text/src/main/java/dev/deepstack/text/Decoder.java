package dev.deepstack.text;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// How the spellings of tokens become text again.
sealed interface Decoder {
  /// Tokens are written in the byte alphabet.
  record ByteLevel() implements Decoder {}

  /// Runs of tokens like `<0x0A>` are bytes of UTF-8.
  record ByteFallback() implements Decoder {}

  /// What follows sees one token.
  record Fuse() implements Decoder {}

  /// Makes spaces of `▁`, and nothing of those in the first token if that had one put before it.
  record Metaspace(String space, boolean prefixed) implements Decoder {}

  record Replace(SplitPattern pattern, String content) implements Decoder {}

  /// Takes up to `start` and `stop` times the character from the ends of each token.
  record Strip(char character, int start, int stop) implements Decoder {}

  /// No decoder at all: tokens are words with a space between.
  record Spaced() implements Decoder {}

  record Chain(List<Decoder> steps) implements Decoder {}

  /// A fresh stage that passes its result on to `next`.
  default DecoderStage open(DecoderStage next) {
    return switch (this) {
      case ByteLevel() -> new ByteLevelStage(next);
      case ByteFallback() -> new ByteFallbackStage(next);
      case Fuse() -> new FuseStage(next);
      case Metaspace(var space, var prefixed) -> new MetaspaceStage(space, prefixed, next);
      case Replace(var pattern, var content) -> new ReplaceStage(pattern, content, next);
      case Strip strip -> new StripStage(strip, next);
      case Spaced() -> new SpacedStage(next);
      case Chain(var steps) -> {
        var first = next;
        for (var step : steps.reversed()) {
          first = step.open(first);
        }
        yield first;
      }
    };
  }

  /// A stage that works on whole tokens.
  abstract class TokenStage implements DecoderStage {
    final DecoderStage next;
    private final StringBuilder current = new StringBuilder();

    TokenStage(DecoderStage next) {
      this.next = next;
    }

    abstract void token(String token);

    @Override
    public final void text(String part) {
      current.append(part);
    }

    @Override
    public final void endToken() {
      var token = current.toString();
      current.setLength(0);
      token(token);
    }

    @Override
    public void end() {
      next.end();
    }

    final void pass(String token) {
      next.text(token);
      next.endToken();
    }
  }

  /// All tokens become one, which grows as its bytes make up characters.
  final class ByteLevelStage extends TokenStage {
    private final Utf8Text utf8 = new Utf8Text();
    private final StringBuilder ready = new StringBuilder();

    ByteLevelStage(DecoderStage next) {
      super(next);
    }

    @Override
    void token(String token) {
      for (byte b : ByteAlphabet.bytes(token)) {
        utf8.add(b & 0xFF, ready);
      }
      passReady();
    }

    @Override
    public void end() {
      utf8.end(ready);
      passReady();
      next.endToken();
      next.end();
    }

    private void passReady() {
      if (!ready.isEmpty()) {
        next.text(ready.toString());
        ready.setLength(0);
      }
    }
  }

  /// A run of byte tokens is judged as a whole: its text if it is UTF-8, else one U+FFFD for each byte.
  final class ByteFallbackStage extends TokenStage {
    private final List<Byte> run = new ArrayList<>();

    ByteFallbackStage(DecoderStage next) {
      super(next);
    }

    @Override
    void token(String token) {
      int value = byteValue(token);
      if (value >= 0) {
        run.add((byte) value);
      } else {
        endRun();
        pass(token);
      }
    }

    @Override
    public void end() {
      endRun();
      next.end();
    }

    private void endRun() {
      if (run.isEmpty()) {
        return;
      }
      var bytes = ByteBuffer.allocate(run.size());
      run.forEach(bytes::put);
      try {
        pass(StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString());
      } catch (CharacterCodingException _) {
        run.forEach(_ -> pass("\uFFFD"));
      }
      run.clear();
    }

    private static int byteValue(String token) {
      if (token.length() != 6 || !token.startsWith("<0x") || token.charAt(5) != '>') {
        return -1;
      }
      int high = Character.digit(token.charAt(3), 16);
      int low = Character.digit(token.charAt(4), 16);
      return high < 0 || low < 0 ? -1 : high << 4 | low;
    }
  }

  /// Drops the borders between tokens.
  record FuseStage(DecoderStage next) implements DecoderStage {
    @Override
    public void text(String part) {
      next.text(part);
    }

    @Override
    public void endToken() {}

    @Override
    public void end() {
      next.endToken();
      next.end();
    }
  }

  final class MetaspaceStage extends TokenStage {
    private final String space;
    private boolean atPrefix;

    MetaspaceStage(String space, boolean prefixed, DecoderStage next) {
      super(next);
      this.space = space;
      this.atPrefix = prefixed;
    }

    @Override
    void token(String token) {
      pass(token.replace(space, atPrefix ? "" : " "));
      atPrefix = false;
    }
  }

  /// Replaces within each token.
  final class ReplaceStage extends TokenStage {
    private final SplitPattern pattern;
    private final String replacement;

    ReplaceStage(SplitPattern pattern, String content, DecoderStage next) {
      super(next);
      this.pattern = pattern;
      this.replacement = java.util.regex.Matcher.quoteReplacement(content);
    }

    @Override
    void token(String token) {
      pass(pattern.replaceAll(token, replacement));
    }
  }

  /// Holds back characters that may turn out to be the last of their token.
  final class StripStage implements DecoderStage {
    private final Strip strip;
    private final DecoderStage next;
    private boolean atStart = true;
    private int stripped;
    private int held;

    StripStage(Strip strip, DecoderStage next) {
      this.strip = strip;
      this.next = next;
    }

    @Override
    public void text(String part) {
      var kept = new StringBuilder();
      for (int i = 0; i < part.length(); i++) {
        char c = part.charAt(i);
        boolean strippable = c == strip.character;
        if (atStart && strippable && stripped < strip.start) {
          stripped++;
        } else if (strippable && held < strip.stop) {
          atStart = false;
          held++;
        } else if (strippable) {
          atStart = false;
          kept.append(c);
        } else {
          atStart = false;
          release(kept);
          kept.append(c);
        }
      }
      if (!kept.isEmpty()) {
        next.text(kept.toString());
      }
    }

    @Override
    public void endToken() {
      atStart = true;
      stripped = 0;
      held = 0;
      next.endToken();
    }

    @Override
    public void end() {
      next.end();
    }

    private void release(StringBuilder kept) {
      kept.repeat(strip.character, held);
      held = 0;
    }
  }

  /// Puts a space between tokens.
  final class SpacedStage implements DecoderStage {
    private final DecoderStage next;
    private boolean between;

    SpacedStage(DecoderStage next) {
      this.next = next;
    }

    @Override
    public void text(String part) {
      if (between) {
        next.text(" ");
        between = false;
      }
      next.text(part);
    }

    @Override
    public void endToken() {
      between = true;
      next.endToken();
    }

    @Override
    public void end() {
      next.end();
    }
  }
}
