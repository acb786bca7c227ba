package dev.deepstack.api;

import dev.deepstack.program.code.FaultWatch;
import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The files that a loaded model's weights are mapped from, as they were when this was made. Kernels read them with no
/// check on their way: whoever runs some asks first whether the files are still the same, and afterwards whether they
/// have been whole all the time.
final class WeightFiles implements AutoCloseable {
  private static final int STAMP_PARTS = 3;
  private static final Pattern PART = Pattern.compile("-\\d{5}-of-\\d{5}\\.gguf$");

  private final List<Path> files;
  private final List<String> then;
  private final FaultWatch faults = FaultWatch.of(List.of());
  private @Nullable Path further;

  private WeightFiles(List<Path> files) {
    this.files = files;
    then = files.stream().map(WeightFiles::stamp).toList();
  }

  /// @param model a model file or a checkpoint folder
  /// @throws InvalidInputException when the files cannot be looked at
  static WeightFiles of(Path model) {
    Path absolute = model.toAbsolutePath().normalize();
    boolean isFolder = Files.isDirectory(absolute);
    String name = String.valueOf(absolute.getFileName());
    Path folder = isFolder ? absolute : absolute.getParent();
    if (folder == null || !isFolder && !name.endsWith(".gguf")) {
      return new WeightFiles(List.of(absolute));
    }
    // All files of a folder, or of one that was split the parts.
    String prefix = isFolder ? "" : PART.matcher(name).replaceFirst("");
    try (var all = Files.list(folder)) {
      return new WeightFiles(all.filter(f -> isWeights(String.valueOf(f.getFileName()), prefix)).sorted().toList());
    } catch (IOException e) {
      throw new InvalidInputException("cannot list the files of " + folder + ": " + e.getMessage(), e);
    }
  }

  private static boolean isWeights(String name, String prefix) {
    return name.startsWith(prefix) && (name.endsWith(".gguf") || name.endsWith(".safetensors"));
  }

  /// Names, sizes and times: what changes when the weights do. A copy of the files that keeps their times is the same.
  String identity() {
    return files.stream().map(f -> {
      BasicFileAttributes a = attributes(f);
      return f.getFileName() + " " + a.size() + " " + a.lastModifiedTime().toMillis();
    }).collect(Collectors.joining("\n"));
  }

  /// Also notices another file of the same size and time in the place of one.
  private static String stamp(Path file) {
    BasicFileAttributes a = attributes(file);
    return a.size() + " " + a.lastModifiedTime().toMillis() + " " + a.fileKey();
  }

  private static BasicFileAttributes attributes(Path file) {
    try {
      return Files.readAttributes(file, BasicFileAttributes.class);
    } catch (IOException e) {
      throw changed(file);
    }
  }

  /// From now on a file that is cut while it is read does not end the process.
  ///
  /// @param further another file that is mapped, or null
  void watch(@Nullable Path further) {
    this.further = further;
    faults.add(further == null ? files : List.of(further));
  }

  /// @throws InvalidInputException when a file was replaced, changed, cut or taken away
  void check() {
    for (int i = 0; i < then.size(); i++) {
      if (!stamp(files.get(i)).equals(then.get(i))) {
        throw changed(files.get(i));
      }
    }
    if (faults.isDamaged()) {
      throw changed(further == null ? files.getFirst() : further);
    }
  }

  /// Cheap enough for every token.
  ///
  /// @throws InvalidInputException when somebody read what a file no longer has
  void requireUndamaged() {
    if (faults.isDamaged()) {
      check();
    }
  }

  /// Runs what reads the weights.
  ///
  /// @throws InvalidInputException when the files are not those that were loaded, or were changed in place meanwhile,
  ///     whatever came out; files that another took the name of are as they were
  <T> T reading(Supplier<T> work) {
    check();
    T result;
    try {
      result = work.get();
    } catch (RuntimeException e) {
      requireUnwritten();
      throw e;
    }
    requireUnwritten();
    return result;
  }

  private void requireUnwritten() {
    requireUndamaged();
    for (int i = 0; i < then.size(); i++) {
      Path file = files.get(i);
      String[] was = then.get(i).split(" ", STAMP_PARTS);
      if (Files.exists(file)) {
        String[] is = stamp(file).split(" ", STAMP_PARTS);
        boolean same = Arrays.equals(is, was);
        if (!same && is[STAMP_PARTS - 1].equals(was[STAMP_PARTS - 1])) {
          throw changed(file);
        }
      }
    }
  }

  @Override
  public void close() {
    faults.close();
  }

  private static InvalidInputException changed(Path file) {
    return new InvalidInputException(file + " was changed or taken away while the model was in use; load it again");
  }
}
