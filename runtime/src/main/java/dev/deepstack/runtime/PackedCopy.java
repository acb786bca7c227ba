package dev.deepstack.runtime;

import dev.deepstack.program.Program;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.program.weight.BlockWords;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Packed weights kept in a file, so that the next start maps them instead of packing again.
///
/// ```
/// 0     "DSPANEL1", then the SHA-256 of what the file is for, then its length as i64
/// 4096  the packed weights in the order of the programs, each at a multiple of 4096
/// ```
///
/// The file is written in the background from weights that are in use already, under another name, and gets its own
/// name when it is whole. Whatever goes wrong on the way costs the file and nothing else.
public final class PackedCopy {
  private static final byte[] MAGIC = "DSPANEL1".getBytes(StandardCharsets.US_ASCII);
  private static final int PAGE = 4096;
  private static final int HEAD_BYTES = 48;
  /// Packing less than this takes no time worth a file.
  private static final long BYTES_MIN = 32L << 20;
  private static final int CHUNK_BYTES = 8 << 20;

  /// Where a copy is kept.
  ///
  /// @param identity of the checkpoint: changes when its files do
  /// @param notice told in one sentence when the copy cannot be kept
  /// @param nanos the time, in nanoseconds from anywhere
  public record Place(Path file, String identity, Consumer<String> notice, LongSupplier nanos) {}

  private final Place place;
  private final SequencedMap<WeightRecipe, Long> offsets = new LinkedHashMap<>();
  private final int panelRows;
  private final long length;
  private final byte[] head;
  private final @Nullable MemorySegment mapped;
  private @Nullable ResidentWeights resident;
  private @Nullable Thread writer;
  private volatile boolean stopped;

  private PackedCopy(Place place, List<Program> programs, Arena arena) {
    this.place = place;
    panelRows = programs.getFirst().panelRows();
    long end = PAGE;
    for (Program program : programs) {
      for (WeightRecipe recipe : program.weights()) {
        if (recipe.layout() != WeightRecipe.Layout.PLAIN && offsets.putIfAbsent(recipe, end) == null) {
          end += (bytes(recipe) + PAGE - 1) / PAGE * PAGE;
        }
      }
    }
    length = end;
    head = head(place.identity + "\n" + panelRows + "\n" + offsets + "\n" + words());
    mapped = map(arena);
  }

  /// The copy of these programs' weights at a place, or null when they are too small to be kept.
  static @Nullable PackedCopy of(@Nullable Place place, List<Program> programs, Arena arena) {
    if (place == null) {
      return null;
    }
    var copy = new PackedCopy(place, programs, arena);
    return copy.length < BYTES_MIN ? null : copy;
  }

  /// How block weights are laid out, so that a copy in another order is not taken for one in this.
  private String words() {
    return offsets.keySet().stream().map(WeightRecipe::blocks).filter(Objects::nonNull).distinct()
        .map(format -> BlockWords.of(format).toString()).sorted().collect(Collectors.joining("\n"));
  }

  /// What is known of the copy of some weights before they are loaded.
  public enum State {
    /// Nobody wants one, or the weights are too few for one.
    NONE,
    /// It is there and is mapped.
    KEPT,
    /// The weights are packed and kept.
    TO_BE_KEPT
  }

  /// What loading these programs will find at a place.
  public static State state(@Nullable Place place, List<Program> programs) {
    try (var scratch = Arena.ofShared()) {
      PackedCopy copy = of(place, programs, scratch);
      return copy == null ? State.NONE : copy.mapped == null ? State.TO_BE_KEPT : State.KEPT;
    }
  }

  private byte[] head(String purpose) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(purpose.getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.allocate(HEAD_BYTES).put(MAGIC).put(hash).putLong(length).array();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private @Nullable MemorySegment map(Arena arena) {
    try (var channel = FileChannel.open(place.file, StandardOpenOption.READ)) {
      if (channel.size() != length) {
        return null;
      }
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, length, arena);
      return Arrays.equals(all.asSlice(0, HEAD_BYTES).toArray(ValueLayout.JAVA_BYTE), head) ? all : null;
    } catch (IOException _) {
      return null;
    }
  }

  /// Reads the weights into memory that is faster than the mapped file, as far as there is time and memory for it.
  ///
  /// @param arena of that memory
  void read(Arena arena) {
    if (mapped != null) {
      var pieces = new LinkedHashMap<Long, Long>();
      offsets.forEach((recipe, offset) -> pieces.put(offset, bytes(recipe)));
      resident = ResidentWeights.read(place.file, pieces, arena, place.nanos);
    }
  }

  private long bytes(WeightRecipe recipe) {
    return recipe.groups() * recipe.panels(panelRows).bytes();
  }

  /// The packed weight, if it is kept.
  @Nullable MemorySegment find(WeightRecipe recipe) {
    Long offset = offsets.get(recipe);
    if (mapped == null || offset == null) {
      return null;
    }
    MemorySegment read = resident == null ? null : resident.find(offset);
    return read != null ? read : mapped.asSlice(offset, bytes(recipe));
  }

  /// Begins to keep weights that have been packed.
  void keep(Map<WeightRecipe, MemorySegment> packed) {
    if (mapped == null) {
      writer = Thread.ofPlatform().daemon().name("deepstack-packed-copy").start(() -> write(Map.copyOf(packed)));
    }
  }

  private void write(Map<WeightRecipe, MemorySegment> packed) {
    Path part = place.file.resolveSibling(place.file.getFileName() + ".part");
    try {
      Path folder = place.file.toAbsolutePath().getParent();
      Files.createDirectories(folder);
      long free = Files.getFileStore(folder).getUsableSpace();
      if (free < length) {
        throw new IOException("it takes " + (length >> 20) + " MB and " + (free >> 20) + " MB are free");
      }
      try (var channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
          StandardOpenOption.TRUNCATE_EXISTING)) {
        fill(channel, packed);
        channel.force(true);
      }
      Files.move(part, place.file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      discard(part);
      if (!stopped) {
        place.notice.accept("the packed weights cannot be kept in " + place.file + ": " + e.getMessage()
            + "; they are packed again at the next start.");
      }
    }
  }

  private void fill(FileChannel channel, Map<WeightRecipe, MemorySegment> packed) throws IOException {
    for (var entry : offsets.entrySet()) {
      MemorySegment data = packed.get(entry.getKey());
      if (data == null) {
        throw new IOException("a weight is missing");
      }
      for (long at = 0; at < data.byteSize(); at += CHUNK_BYTES) {
        if (stopped) {
          throw new IOException("stopped");
        }
        ByteBuffer chunk = data.asSlice(at, Math.min(CHUNK_BYTES, data.byteSize() - at)).asByteBuffer();
        long to = entry.getValue() + at;
        while (chunk.hasRemaining()) {
          to += channel.write(chunk, to);
        }
      }
    }
    if (channel.size() < length) {
      channel.write(ByteBuffer.allocate(1), length - 1);
    }
    channel.write(ByteBuffer.wrap(head), 0);
  }

  private static void discard(Path part) {
    try {
      Files.deleteIfExists(part);
    } catch (IOException _) {
      // The next copy is written over it.
    }
  }

  /// Waits until the copy is written; an interrupt gives it up.
  void close() {
    Thread running = writer;
    if (running == null) {
      return;
    }
    boolean interrupted = false;
    while (running.isAlive()) {
      try {
        running.join();
      } catch (InterruptedException e) {
        stopped = true;
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
