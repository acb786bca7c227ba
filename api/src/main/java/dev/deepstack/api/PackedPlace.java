package dev.deepstack.api;

import dev.deepstack.runtime.PackedCopy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Where the packed weights of a checkpoint are kept: in a folder `.deepstack` beside it.
final class PackedPlace {
  private static final String FOLDER = ".deepstack";

  private PackedPlace() {}

  /// The place for a `.gguf` file or a checkpoint folder.
  ///
  /// @param files those whose weights will be packed
  static PackedCopy.@Nullable Place of(Path model, WeightFiles files, Consumer<String> notice) {
    Path absolute = model.toAbsolutePath().normalize();
    boolean isFolder = Files.isDirectory(absolute);
    Path folder = isFolder ? absolute : absolute.getParent();
    String name = isFolder ? "weights" : String.valueOf(absolute.getFileName());
    return folder == null ? null : new PackedCopy.Place(folder.resolve(FOLDER).resolve(name + ".panels"),
        name + "\n" + files.identity(), notice, System::nanoTime);
  }
}
