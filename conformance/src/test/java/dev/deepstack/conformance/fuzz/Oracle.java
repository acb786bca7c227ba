package dev.deepstack.conformance.fuzz;

import dev.deepstack.importer.pt2.Pt2Archive;
import dev.deepstack.ir.IrException;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import dev.deepstack.text.TokenizerException;
import dev.deepstack.text.template.TemplateException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.function.BiConsumer;

/// What may come of bytes: a value or one of the project's own exceptions, with memory in proportion to the input.
final class Oracle {
  /// For classes that load, tables, and the memory that the archive's limits allow to any file.
  private static final long BYTES_BASE = 80L << 20;
  /// Bytes allocated in all, garbage included, for one byte of input.
  private static final long BYTES_RATIO = 4000;
  /// Of processor time, since a machine may be busy with something else.
  private static final long MS_MAX = 5_000;

  private final com.sun.management.ThreadMXBean threads =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

  /// How an input was taken.
  enum Outcome { READ, REFUSED }

  /// Reads bytes by a target.
  ///
  /// @throws AssertionError when something else came out than may
  Outcome check(Target target, byte[] input) {
    return check(target::read, input);
  }

  Outcome check(BiConsumer<MemorySegment, Arena> reader, byte[] input) {
    long most = BYTES_BASE + BYTES_RATIO * input.length;
    Reading reading = read(reader, input);
    if (reading.bytes > most) {
      // Classes that load at their first use cost memory, once.
      reading = read(reader, input);
    }
    if (reading.bytes > most) {
      throw new AssertionError(reading.bytes + " bytes were allocated for an input of " + input.length);
    }
    return reading.outcome;
  }

  /// @param bytes allocated
  private record Reading(Outcome outcome, long bytes) {}

  private Reading read(BiConsumer<MemorySegment, Arena> reader, byte[] input) {
    long before = threads.getCurrentThreadAllocatedBytes();
    long start = threads.getCurrentThreadCpuTime();
    var arena = new CountedArena();
    Outcome outcome;
    try (arena) {
      MemorySegment bytes = arena.allocate(input.length, 64).copyFrom(MemorySegment.ofArray(input));
      reader.accept(bytes.asReadOnly(), arena);
      outcome = Outcome.READ;
    } catch (MalformedModelException | UnsupportedModelException | InvalidInputException | IrException
        | TokenizerException | TemplateException e) {
      if (String.valueOf(e.getMessage()).isBlank() || isUnforeseen(e)) {
        throw new AssertionError("no sentence for what is wrong: " + e.getMessage(), e);
      }
      outcome = Outcome.REFUSED;
    } catch (RuntimeException e) {
      throw new AssertionError("an exception that is not ours: " + e, e);
    }
    long ms = (threads.getCurrentThreadCpuTime() - start) / 1_000_000;
    if (ms > MS_MAX) {
      throw new AssertionError(ms + " ms of work for an input of " + input.length);
    }
    return new Reading(outcome, threads.getCurrentThreadAllocatedBytes() - before + arena.bytes());
  }

  /// Whether it fell into the importer's last net: then a check is missing. Not told by what is said, which a fuzzer
  /// soon learns to say.
  private static boolean isUnforeseen(RuntimeException e) {
    return e.getCause() instanceof RuntimeException
        && e.getStackTrace()[1].getClassName().equals(Pt2Archive.class.getName());
  }

  /// A confined arena that counts.
  private static final class CountedArena implements Arena {
    private final Arena arena = Arena.ofConfined();
    private long bytes;

    long bytes() {
      return bytes;
    }

    @Override
    public MemorySegment allocate(long size, long alignment) {
      bytes += size;
      if (bytes > 4L << 30) {
        throw new AssertionError(bytes + " bytes of native memory were asked for");
      }
      return arena.allocate(size, alignment);
    }

    @Override
    public MemorySegment.Scope scope() {
      return arena.scope();
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
