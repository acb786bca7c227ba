package dev.deepstack.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Text that was reviewed once and must not change unnoticed.
///
/// A golden lies under `src/test/resources/golden` of the module whose test asks for it. After a wanted
/// change, run the test with `-Dgolden.update=true` and review the difference like any other code.
public final class Golden {
  private static final Path FOLDER = Path.of("src", "test", "resources", "golden");

  private Golden() {}

  /// Compares `actual` with the golden `name`, a path with its ending such as `fuse/gated_mlp.ir`.
  ///
  /// Line ends are normalised and a missing one at the end is added.
  ///
  /// @throws AssertionError when they differ or there is no such golden; it names the first differing line
  public static void check(String name, String actual) {
    check(FOLDER, name, actual, Boolean.getBoolean("golden.update"));
  }

  static void check(Path folder, String name, String actual, boolean update) {
    var file = folder.resolve(name);
    if (!file.normalize().startsWith(folder.normalize())) {
      throw new IllegalArgumentException("a golden must stay in its folder: " + name);
    }
    var text = normalised(actual);
    try {
      if (update) {
        write(file, text);
        return;
      }
      if (!Files.exists(file)) {
        throw new AssertionError("no golden " + file + howToAccept() + "\nactual:\n" + text);
      }
      var expected = normalised(Files.readString(file));
      if (!expected.equals(text)) {
        throw new AssertionError(file + " " + difference(expected, text) + howToAccept() + "\nactual:\n" + text);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, String text) throws IOException {
    var parent = file.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    if (!Files.exists(file) || !normalised(Files.readString(file)).equals(text)) {
      Files.writeString(file, text);
    }
  }

  private static String normalised(String text) {
    var unix = text.replace("\r\n", "\n");
    return unix.isEmpty() || unix.endsWith("\n") ? unix : unix + "\n";
  }

  private static String difference(String expected, String actual) {
    var before = expected.lines().toList();
    var after = actual.lines().toList();
    int line = 0;
    while (line < before.size() && line < after.size() && before.get(line).equals(after.get(line))) {
      line++;
    }
    return "differs in line " + (line + 1)
        + "\n  expected: " + (line < before.size() ? before.get(line) : "(end of text)")
        + "\n  actual:   " + (line < after.size() ? after.get(line) : "(end of text)");
  }

  private static String howToAccept() {
    return "\nto accept: run the same test with -Dgolden.update=true and review the difference";
  }
}
