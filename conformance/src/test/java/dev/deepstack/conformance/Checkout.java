package dev.deepstack.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/// The files of this checkout, as people wrote them.
final class Checkout {
  private static final Set<String> SKIPPED = Set.of("target", "fixtures", ".git", ".idea", ".vscode");
  private static final Set<String> TEXT_NAMES = Set.of("pom.xml", "deepstack", "run");
  private static final List<String> TEXT_ENDINGS = List.of(".java", ".md", ".sh");
  private static final Pattern MODULE = Pattern.compile("<module>([a-z]+)</module>");

  /// The folder that holds the launcher and the wrapper.
  static final Path ROOT = root();

  private Checkout() {}

  /// The Maven modules, without those that need a profile.
  static List<String> modules() {
    var pom = read(ROOT.resolve("pom.xml"));
    return MODULE.matcher(pom.substring(0, pom.indexOf("<profiles>"))).results().map(m -> m.group(1)).toList();
  }

  /// Every text file that the tidy rules are about, as a path from the root with slashes.
  static List<String> texts() {
    return filesBelow(ROOT).stream().filter(Checkout::isText).toList();
  }

  /// All files below a folder, as paths from the root with slashes; nothing for a folder that is not there.
  static List<String> filesBelow(Path folder) {
    var files = new ArrayList<String>();
    if (!Files.isDirectory(folder)) {
      return files;
    }
    try {
      Files.walkFileTree(folder, new SimpleFileVisitor<>() {
        @Override
        public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
          var skipped = SKIPPED.contains(dir.getFileName().toString());
          return skipped ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
          files.add(ROOT.relativize(file).toString().replace('\\', '/'));
          return FileVisitResult.CONTINUE;
        }
      });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    files.sort(null);
    return files;
  }

  static String read(String path) {
    return read(ROOT.resolve(path));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static boolean isText(String path) {
    var name = path.substring(path.lastIndexOf('/') + 1);
    return TEXT_NAMES.contains(name) || TEXT_ENDINGS.stream().anyMatch(name::endsWith);
  }

  private static Path root() {
    var folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.exists(folder.resolve("mvnw"))) {
      folder = folder.getParent();
    }
    if (folder == null) {
      throw new IllegalStateException("run this inside the checkout");
    }
    return folder;
  }
}
