package dev.deepstack.runtime;

import dev.deepstack.program.code.LargeMemory;
import dev.deepstack.runtime.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Pieces of a file read into huge pages. Through a mapping the system serves small pages, wherever it found room for
/// them, which where memory is fast costs a step a tenth of its speed.
///
/// Reading takes a start a moment from the system's cache, but memory that the system never gave out before can arrive
/// slowly: what is not read in time stays where it is, and so does everything where memory is short.
final class ResidentWeights {
  private static final int CHUNK_BYTES = 8 << 20;
  private static final long NANOS_MAX = 1_000_000_000L;
  /// What is left to the system and to others.
  private static final long SPARE_BYTES = 1L << 30;

  private final Map<Long, MemorySegment> read = new ConcurrentHashMap<>();
  private final Path file;
  private final Arena arena;
  private final LongSupplier nanos;
  private final long end;

  /// @param arena that the memory belongs to, shared between threads
  /// @param nanos the time
  /// @param nanosMax after which no more is read
  ResidentWeights(Path file, Arena arena, LongSupplier nanos, long nanosMax) {
    this.nanos = nanos;
    this.file = file;
    this.arena = arena;
    end = nanos.getAsLong() + nanosMax;
  }

  /// Reads what there is time and memory for.
  ///
  /// @param pieces offsets in the file and numbers of bytes, the most wanted first
  static ResidentWeights read(Path file, Map<Long, Long> pieces, Arena arena, LongSupplier nanos) {
    var resident = new ResidentWeights(file, arena, nanos, NANOS_MAX);
    long bytes = pieces.values().stream().mapToLong(Long::longValue).sum();
    if (bytes <= MachineMemory.available() - SPARE_BYTES) {
      resident.readAll(pieces);
    }
    return resident;
  }

  /// The piece that begins there, if it was read.
  @Nullable MemorySegment find(long offset) {
    return read.get(offset);
  }

  void readAll(Map<Long, Long> pieces) {
    Queue<Map.Entry<Long, Long>> open = new ConcurrentLinkedQueue<>(new ArrayDeque<>(pieces.entrySet()));
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < Math.min(4, Runtime.getRuntime().availableProcessors()); i++) {
      threads.add(Thread.ofPlatform().daemon().name("deepstack-weights").start(() -> readFrom(open)));
    }
    threads.forEach(ResidentWeights::join);
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void readFrom(Queue<Map.Entry<Long, Long>> open) {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      for (var piece = open.poll(); piece != null; piece = open.poll()) {
        MemorySegment memory = LargeMemory.allocate(arena, piece.getValue());
        if (isFilled(channel, piece.getKey(), memory)) {
          read.put(piece.getKey(), memory);
        } else {
          LargeMemory.giveBack(memory);
        }
      }
    } catch (IOException _) {
      // The mapping is still there.
    }
  }

  private boolean isFilled(FileChannel channel, long offset, MemorySegment memory) throws IOException {
    for (long at = 0; at < memory.byteSize(); at += CHUNK_BYTES) {
      ByteBuffer chunk = memory.asSlice(at, Math.min(CHUNK_BYTES, memory.byteSize() - at)).asByteBuffer();
      while (chunk.hasRemaining()) {
        if (nanos.getAsLong() > end || channel.read(chunk, offset + at + chunk.position()) < 0) {
          return false;
        }
      }
    }
    return true;
  }
}
