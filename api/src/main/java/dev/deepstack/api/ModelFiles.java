package dev.deepstack.api;

import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Decoding;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.text.Tokenizer;
import dev.deepstack.text.TokenizerData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Where a model's files are.
///
/// @param model the `.pt2`, `.dsp` or `.gguf`, or a checkpoint folder
/// @param tokenizerFile the `tokenizer.json` beside it, or null
record ModelFiles(Path model, @Nullable Path tokenizerFile) {
  private static final String PROGRAM = ".dsp";
  private static final String EXPORTED = ".pt2";
  private static final String GGUF = ".gguf";
  /// The first of the files that one model was split into, and the others.
  private static final Pattern PART = Pattern.compile("-(\\d{5})-of-\\d{5}\\.gguf$");
  private static final String KINDS = "a .pt2, .dsp or .gguf file, or a folder with one or with config.json and "
      + "safetensors";

  static ModelFiles find(Path path) {
    if (Files.isDirectory(path)) {
      return new ModelFiles(only(path), tokenizerIn(path));
    }
    if (!Files.exists(path)) {
      throw new InvalidInputException("there is no model " + path + "; give " + KINDS);
    }
    String name = path.getFileName().toString();
    if (!name.endsWith(PROGRAM) && !name.endsWith(EXPORTED) && !name.endsWith(GGUF)) {
      throw new InvalidInputException(path + " is not " + KINDS);
    }
    return new ModelFiles(path, name.endsWith(GGUF) ? null : tokenizerIn(path.toAbsolutePath().getParent()));
  }

  private static @Nullable Path tokenizerIn(@Nullable Path folder) {
    Path file = folder == null ? null : folder.resolve("tokenizer.json");
    return file != null && Files.isRegularFile(file) ? file : null;
  }

  private static Path only(Path folder) {
    List<Path> found = list(folder, EXPORTED);
    if (found.isEmpty()) {
      found = list(folder, PROGRAM);
    }
    if (found.isEmpty() && Files.exists(folder.resolve("config.json"))) {
      return folder;
    }
    if (found.isEmpty()) {
      found = list(folder, GGUF).stream().filter(ModelFiles::isFirstPart).toList();
    }
    Path usual = folder.resolve("model.pt2");
    if (found.size() > 1 && found.contains(usual)) {
      return usual;
    }
    if (found.size() != 1) {
      throw new InvalidInputException("the folder " + folder + (found.isEmpty()
          ? " holds no .pt2, .dsp or .gguf file and no config.json"
          : " holds several models (" + String.join(", ", found.stream().map(p -> p.getFileName().toString()).toList())
              + "); name one of them"));
    }
    return found.getFirst();
  }

  private static boolean isFirstPart(Path file) {
    Matcher part = PART.matcher(file.getFileName().toString());
    return !part.find() || part.group(1).equals("00001");
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
    Decoding decoding = compiled.decoding();
    if (decoding != null && !decoding.vocabularyLists().isEmpty()) {
      return Optional.of(Tokenizer.of(TokenizerData.fromGguf(model.toString(), decoding.vocabularyLists())));
    }
    String inside = compiled.tokenizer();
    return inside == null ? Optional.empty()
        : Optional.of(Tokenizer.parse(model + " (tokenizer)", inside.getBytes(StandardCharsets.UTF_8)));
  }
}
