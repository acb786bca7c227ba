package dev.deepstack.api;

import dev.deepstack.runtime.PackedCopy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Where the packed weights of a checkpoint are kept: in a folder `.deepstack` beside it.
final class PackedPlace {
  private static final String FOLDER = ".deepstack";
  private static final Pattern PART = Pattern.compile("-\\d{5}-of-\\d{5}\\.gguf$");

  private PackedPlace() {}

  /// The place for a `.gguf` file or a checkpoint folder; null when the files cannot be listed.
  static PackedCopy.@Nullable Place of(Path model, Consumer<String> notice) {
    Path absolute = model.toAbsolutePath().normalize();
    boolean isFolder = Files.isDirectory(absolute);
    Path folder = isFolder ? absolute : absolute.getParent();
    String name = isFolder ? "weights" : String.valueOf(absolute.getFileName());
    // All files of a folder, or of one that was split the parts.
    String prefix = isFolder ? "" : PART.matcher(name).replaceFirst("");
    String identity = folder == null ? null : identity(folder, prefix);
    return folder == null || identity == null ? null
        : new PackedCopy.Place(folder.resolve(FOLDER).resolve(name + ".panels"), name + "\n" + identity, notice);
  }

  /// Names, sizes and times of the files that hold weights.
  private static @Nullable String identity(Path folder, String prefix) {
    try (var files = Files.list(folder)) {
      List<Path> weights = files.filter(f -> isWeights(String.valueOf(f.getFileName()), prefix)).sorted().toList();
      return weights.stream().map(PackedPlace::stamp).collect(Collectors.joining("\n"));
    } catch (IOException | java.io.UncheckedIOException _) {
      return null;
    }
  }

  private static boolean isWeights(String name, String prefix) {
    return name.startsWith(prefix) && (name.endsWith(".gguf") || name.endsWith(".safetensors"));
  }

  private static String stamp(Path file) {
    try {
      return file.getFileName() + " " + Files.size(file) + " " + Files.getLastModifiedTime(file).toMillis();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
