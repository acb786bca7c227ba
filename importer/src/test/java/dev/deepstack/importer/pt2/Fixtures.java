package dev.deepstack.importer.pt2;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The exported models that tests read.
final class Fixtures {
  private Fixtures() {}

  static final Path FOLDER = Path.of(System.getProperty("deepstack.root", ".."), "conformance", "fixtures",
      "pt2");

  static Path file(String name) {
    return FOLDER.resolve(name);
  }

  /// Every `.pt2` file, in order.
  static List<Path> all() {
    try (var files = Files.walk(FOLDER)) {
      return files.filter(file -> file.toString().endsWith(".pt2")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
