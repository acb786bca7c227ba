package dev.deepstack.text;

import java.text.Normalizer.Form;
import java.util.List;
import java.util.regex.Matcher;

/// Rewrites a text before it is split.
sealed interface Normalizer {
  /// A Unicode normal form, as [NormalForm] has it.
  record Unicode(Form form) implements Normalizer {}

  record Prepend(String prefix) implements Normalizer {}

  record Replace(SplitPattern pattern, String content) implements Normalizer {}

  /// Each in turn; none at all leaves the text as it is.
  record Chain(List<Normalizer> steps) implements Normalizer {}

  default String apply(String text) {
    return switch (this) {
      case Unicode(var form) -> NormalForm.apply(form, text);
      case Prepend(var prefix) -> text.isEmpty() ? text : prefix + text;
      case Replace(var pattern, var content) -> pattern.replaceAll(text, Matcher.quoteReplacement(content));
      case Chain(var steps) -> {
        var result = text;
        for (var step : steps) {
          result = step.apply(result);
        }
        yield result;
      }
    };
  }
}
