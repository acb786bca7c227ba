package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.regex.Pattern;

/// A model in one GGUF file or several (`model-00001-of-00003.gguf` …), checked and mapped.
///
/// @param name of the first file, for messages
/// @param metadata of the first file, which has all that concerns the model
/// @param tensors of all files, in their order
/// @param parts the files
public record GgufFile(
    String name, GgufMetadata metadata, SequencedMap<String, GgufTensor> tensors, List<Path> parts) {
  private static final Pattern SPLIT = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})(\\.gguf)");
  private static final int PARTS_MAX = 10_000;

  public GgufFile {
    tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
    parts = List.copyOf(parts);
  }

  /// Opens a model by any of its files; the tensors live as long as `arena`.
  ///
  /// @throws MalformedModelException when a file breaks the format, or is not of the same model as the others
  /// @throws dev.deepstack.tensor.UnsupportedModelException for versions and tensor formats that are not read
  /// @throws InvalidInputException when a file can't be read
  public static GgufFile open(Path file, Arena arena) {
    GgufPart part = read(file, arena);
    long count = part.metadata().whole("split.count", 1);
    if (count == 1) {
      return of(name(file), List.of(part), List.of(file));
    }
    if (count < 1 || count > PARTS_MAX) {
      throw GgufPart.mismatch(name(file), "it claims to be one of " + count + " parts");
    }
    var parts = new ArrayList<GgufPart>();
    List<Path> paths = siblings(file, (int) count);
    for (int i = 0; i < count; i++) {
      Path path = paths.get(i);
      GgufPart each = path.equals(file) ? part : read(path, arena);
      if (each.metadata().whole("split.count", 1) != count || each.metadata().whole("split.no", -1) != i) {
        throw GgufPart.mismatch(name(path), "it does not say that it is part " + (i + 1) + " of " + count);
      }
      parts.add(each);
    }
    GgufFile model = of(name(paths.getFirst()), parts, paths);
    long expected = parts.getFirst().metadata().whole("split.tensors.count", model.tensors().size());
    if (expected != model.tensors().size()) {
      throw GgufPart.mismatch(name(paths.getFirst()),
          "it announces " + expected + " tensors and the parts have " + model.tensors().size());
    }
    return model;
  }

  /// A model from bytes that are mapped already.
  public static GgufFile of(String name, MemorySegment bytes) {
    return of(name, List.of(GgufPart.read(name, bytes)), List.of());
  }

  /// Whether a file's first bytes are those of a GGUF file.
  public static boolean looksLike(Path file) {
    try (var in = Files.newInputStream(file)) {
      return new String(in.readNBytes(4), java.nio.charset.StandardCharsets.ISO_8859_1).equals("GGUF");
    } catch (IOException _) {
      return false;
    }
  }

  /// The tensor of this name.
  ///
  /// @throws MalformedModelException when there is none
  public GgufTensor tensor(String tensor) {
    GgufTensor found = tensors.get(tensor);
    if (found == null) {
      throw new MalformedModelException(
          name + " lacks the tensor " + GgufCursor.quote(tensor) + " that its architecture needs; fetch another file");
    }
    return found;
  }

  private static GgufFile of(String name, List<GgufPart> parts, List<Path> paths) {
    var tensors = new LinkedHashMap<String, GgufTensor>();
    for (GgufPart part : parts) {
      for (GgufTensor tensor : part.tensors()) {
        if (tensors.put(tensor.name(), tensor) != null) {
          throw GgufPart.mismatch(name, "two of them have the tensor " + GgufCursor.quote(tensor.name()));
        }
      }
    }
    return new GgufFile(name, parts.getFirst().metadata(), tensors, paths);
  }

  private static List<Path> siblings(Path file, int count) {
    var match = SPLIT.matcher(name(file));
    if (!match.matches() || Integer.parseInt(match.group(3)) != count) {
      throw new InvalidInputException(file + " is one of " + count + " parts and must keep its name, such as "
          + String.format(Locale.ROOT, "model-00001-of-%05d.gguf", count) + ", so that the others are found");
    }
    var paths = new ArrayList<Path>(count);
    for (int i = 1; i <= count; i++) {
      String sibling = String.format(Locale.ROOT, "%s-%05d-of-%05d%s", match.group(1), i, count, match.group(4));
      Path path = file.resolveSibling(sibling);
      if (!Files.isRegularFile(path)) {
        throw new InvalidInputException(
            "the part " + path + " of the model is missing; fetch all " + count + " parts into one folder");
      }
      paths.add(path);
    }
    return paths;
  }

  private static GgufPart read(Path file, Arena arena) {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException("there is no file " + file + "; give the path of a .gguf file");
    }
    try (var channel = FileChannel.open(file)) {
      if (channel.size() == 0) {
        throw new MalformedModelException(file + " is empty; fetch it again");
      }
      return GgufPart.read(name(file), channel.map(MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (IOException e) {
      throw new InvalidInputException(
          file + " cannot be read (" + e.getMessage() + "); check its permissions", e);
    }
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }
}
