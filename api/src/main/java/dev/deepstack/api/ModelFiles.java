package dev.deepstack.api;

import dev.deepstack.program.CompiledModel;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.text.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Where a model's files are.
///
/// @param model the `.pt2` or `.dsp`
/// @param tokenizerFile the `tokenizer.json` beside it, or null
record ModelFiles(Path model, @Nullable Path tokenizerFile) {
  private static final String PROGRAM = ".dsp";
  private static final String EXPORTED = ".pt2";

  static ModelFiles find(Path path) {
    if (Files.isDirectory(path)) {
      return new ModelFiles(only(path), tokenizerIn(path));
    }
    if (!Files.exists(path)) {
      throw new InvalidInputException("there is no model " + path + "; give a .pt2 or .dsp file, or a folder with one");
    }
    String name = path.getFileName().toString();
    if (!name.endsWith(PROGRAM) && !name.endsWith(EXPORTED)) {
      throw new InvalidInputException(path + " is neither a .pt2 nor a .dsp file; export the model with torch.export");
    }
    return new ModelFiles(path, tokenizerIn(path.toAbsolutePath().getParent()));
  }

  private static @Nullable Path tokenizerIn(@Nullable Path folder) {
    Path file = folder == null ? null : folder.resolve("tokenizer.json");
    return file != null && Files.isRegularFile(file) ? file : null;
  }

  private static Path only(Path folder) {
    List<Path> models = list(folder, EXPORTED);
    List<Path> found = models.isEmpty() ? list(folder, PROGRAM) : models;
    Path usual = folder.resolve("model.pt2");
    if (found.size() > 1 && found.contains(usual)) {
      return usual;
    }
    if (found.size() != 1) {
      throw new InvalidInputException("the folder " + folder + (found.isEmpty()
          ? " holds no .pt2 or .dsp file"
          : " holds several models (" + String.join(", ", found.stream().map(p -> p.getFileName().toString()).toList())
              + "); name one of them"));
    }
    return found.getFirst();
  }

  private static List<Path> list(Path folder, String ending) {
    try (var files = Files.list(folder)) {
      return files.filter(f -> f.getFileName().toString().endsWith(ending)).sorted().toList();
    } catch (IOException e) {
      throw new InvalidInputException("cannot read the folder " + folder + ": " + e.getMessage(), e);
    }
  }

  boolean isProgram() {
    return model.getFileName().toString().endsWith(PROGRAM);
  }

  @Nullable String tokenizerText() {
    try {
      return tokenizerFile == null ? null : Files.readString(tokenizerFile);
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + tokenizerFile + ": " + e.getMessage(), e);
    }
  }

  /// The tokenizer beside the file, else the one inside it.
  Optional<Tokenizer> tokenizer(CompiledModel compiled) {
    if (tokenizerFile != null) {
      return Optional.of(Tokenizer.load(tokenizerFile));
    }
    String inside = compiled.tokenizer();
    return inside == null ? Optional.empty()
        : Optional.of(Tokenizer.parse(model + " (tokenizer)", inside.getBytes(StandardCharsets.UTF_8)));
  }
}
