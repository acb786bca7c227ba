package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Opens `.pt2` files, the output of `torch.export.save`.
///
/// All layouts since torch 2.6 are read: the plain zip (to 2.7), the archive with pickled tensors (2.8) and
/// the archive with raw tensors (2.9 and later). They are told apart by the names of the entries, not by
/// version texts.
///
/// Checksums of programs and pickles are always compared; those of tensors only when all of them together
/// have at most 256 MiB, since a larger file should not be read as a whole before it can be used.
public final class Pt2Archive {
  private static final String DEFAULT_MODEL = "model";

  private Pt2Archive() {}

  /// Reads the program named `model`, or the only one, and maps its weights for the life of `arena`.
  ///
  /// Throws `MalformedModelException` for a broken file, `UnsupportedModelException` for one written in a way
  /// DeepStack does not read, and `InvalidInputException` where there is no such file.
  public static Pt2Model open(Path file, Arena arena) {
    return open(file, null, arena);
  }

  /// As above for the program of that name in a file with several.
  public static Pt2Model open(Path file, @Nullable String model, Arena arena) {
    return open(map(file, arena), String.valueOf(file.getFileName()), model, arena);
  }

  /// A file's bytes, mapped for as long as `arena` lives.
  public static MemorySegment map(Path file, Arena arena) {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException("there is no file " + file + "; give the path of a .pt2 file");
    }
    try (var channel = FileChannel.open(file)) {
      if (channel.size() == 0) {
        throw new Place(String.valueOf(file.getFileName())).malformed("the file is empty");
      }
      return channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new InvalidInputException(file + " cannot be read (" + e.getMessage()
          + "); check its permissions", e);
    }
  }

  /// Reads mapped bytes; tensors are slices of them wherever the archive stores them plainly.
  ///
  /// @param name of the file, for messages
  public static Pt2Model open(MemorySegment bytes, String name, @Nullable String model, Arena arena) {
    var place = new Place(name);
    try {
      return new Pt2Layout(ZipArchive.open(bytes, place, arena, true), place, arena)
          .read(model, DEFAULT_MODEL);
    } catch (MalformedModelException | UnsupportedModelException | InvalidInputException e) {
      throw e;
    } catch (RuntimeException e) {
      // The readers check what they read; should one check be missing, the caller still learns which
      // file it was.
      throw place.malformed("it could not be understood (" + e.getMessage() + ")", e);
    }
  }
}
