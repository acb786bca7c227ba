package dev.deepstack.hub;

import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/// Which files of a repository are wanted.
final class Selection {
  private static final Pattern OF_A_CHECKPOINT = Pattern.compile(
      "[^/]+\\.(json|safetensors|jinja|model|txt)|tokenizer[^/]*|LICEN[CS]E[^/]*|README\\.md|[^/]+\\.(pt2|dsp)");
  private static final Pattern SPLIT = Pattern.compile("-\\d{5}-of-\\d{5}\\.gguf$");

  private Selection() {}

  /// The files that match one of the names or patterns (`*` and `?` within a name, `**` across folders).
  ///
  /// @throws InvalidInputException for a pattern that matches nothing
  static List<RemoteFile> named(List<RemoteFile> files, List<String> patterns, Repository repository) {
    Set<RemoteFile> wanted = new LinkedHashSet<>();
    for (String pattern : patterns) {
      Pattern compiled = glob(pattern);
      List<RemoteFile> found = files.stream().filter(f -> f.path().equals(pattern)
          || compiled.matcher(f.path()).matches()).toList();
      if (found.isEmpty()) {
        throw new InvalidInputException(repository + " has no file " + RemoteFile.printable(pattern) + "; it has "
            + summary(files));
      }
      wanted.addAll(found);
    }
    return List.copyOf(wanted);
  }

  private static Pattern glob(String pattern) {
    var regex = new StringBuilder();
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      if (c == '*' && i + 1 < pattern.length() && pattern.charAt(i + 1) == '*') {
        regex.append(".*");
        i++;
      } else {
        regex.append(c == '*' ? "[^/]*" : c == '?' ? "[^/]" : Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString());
  }

  /// What is needed to run the model: the files of its checkpoint, or its one GGUF file.
  ///
  /// @throws InvalidInputException when there is nothing to run, or too much to choose from
  static List<RemoteFile> standard(List<RemoteFile> files, Repository repository) {
    List<RemoteFile> checkpoint = files.stream().filter(f -> OF_A_CHECKPOINT.matcher(f.path()).matches()).toList();
    if (checkpoint.stream().anyMatch(f -> f.path().matches(".*\\.(safetensors|pt2|dsp)"))) {
      return checkpoint;
    }
    List<RemoteFile> weights = files.stream().filter(f -> f.path().toLowerCase(Locale.ROOT).endsWith(".gguf")).toList();
    if (weights.isEmpty()) {
      throw new InvalidInputException(repository + " holds no safetensors, GGUF, .pt2 or .dsp file; it has "
          + summary(files) + " (--file takes any of them)");
    }
    long models = weights.stream().map(f -> SPLIT.matcher(f.path()).replaceAll("")).distinct().count();
    if (models > 1) {
      throw new InvalidInputException(repository + " holds several models; choose one with --file: "
          + String.join(", ", weights.stream().map(Selection::described).toList()));
    }
    var all = new ArrayList<>(weights);
    checkpoint.forEach(all::add);
    return all;
  }

  private static String described(RemoteFile file) {
    return String.format(Locale.ROOT, "%s (%.1f GB)", file.path(), file.size() / 1e9);
  }

  private static String summary(List<RemoteFile> files) {
    int shown = 8;
    String names = String.join(", ", files.stream().limit(shown).map(RemoteFile::path).toList());
    return files.isEmpty() ? "no files at all"
        : names + (files.size() > shown ? " and " + (files.size() - shown) + " more" : "");
  }
}
