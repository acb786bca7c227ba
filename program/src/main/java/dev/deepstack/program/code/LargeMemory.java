package dev.deepstack.program.code;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Anonymous memory straight from the operating system: zeroed lazily, page-granular, and on huge
/// pages where the system grants them. For weights and activations (`allocate`), and for code
/// (`reserve` and `protect`).
public final class LargeMemory {
  static final int READ = 1;
  static final int WRITE = 2;
  static final int EXECUTE = 4;

  private static final long PAGE = 4096;
  private static final long HUGE_PAGE = 2L << 20;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final int MADV_DONTNEED = 4;
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_POPULATE_READ = 22;

  private static final MethodHandle MMAP =
      bind(
          "mmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle MUNMAP =
      bind(
          "munmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
  private static final MethodHandle MPROTECT =
      bind(
          "mprotect",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));
  private static final MethodHandle MADVISE =
      bind(
          "madvise",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));

  private LargeMemory() {}

  /// `bytes` of zeroed memory that lives as long as `arena`, aligned to a page, or to 2 MiB and
  /// on huge pages when it is at least that large. Pages are taken from the system when first
  /// touched.
  public static MemorySegment allocate(Arena arena, long bytes) {
    if (bytes < HUGE_PAGE) {
      return reserve(arena, Math.max(bytes, 1)).asSlice(0, bytes);
    }
    var reserved = reserve(arena, bytes + HUGE_PAGE);
    long offset = -reserved.address() & (HUGE_PAGE - 1);
    var aligned = reserved.asSlice(offset, bytes);
    advise(aligned.address(), bytes & -HUGE_PAGE, MADV_HUGEPAGE);
    return aligned;
  }

  /// Gives memory that was allocated here back to the system until it is touched again; then it is zero.
  public static void giveBack(MemorySegment allocated) {
    advise(allocated.address(), allocated.byteSize(), MADV_DONTNEED);
  }

  /// Takes the whole pages of a read-only mapped file out of this process's memory; whoever reads them again finds
  /// them in the system's cache. Does nothing to other memory.
  public static void forget(MemorySegment mapped) {
    if (mapped.isMapped() && mapped.isReadOnly()) {
      long start = pages(mapped.address());
      long end = mapped.address() + mapped.byteSize() & -PAGE;
      if (end > start) {
        advise(start, end - start, MADV_DONTNEED);
      }
    }
  }

  /// Brings all pages of a mapped file into this process's memory at once, reading what the system has not cached.
  /// Where the system cannot do that, and for other memory, it does nothing: pages come when they are read.
  public static void populate(MemorySegment mapped) {
    if (mapped.isMapped() && mapped.isReadOnly()) {
      long start = mapped.address() & -PAGE;
      advise(start, pages(mapped.address() + mapped.byteSize() - start), MADV_POPULATE_READ);
    }
  }

  /// Readable and writable pages, released when `arena` closes.
  static MemorySegment reserve(Arena arena, long bytes) {
    long size = pages(bytes);
    long address;
    try {
      address = (long) MMAP.invokeExact(0L, size, READ | WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
    } catch (Throwable e) {
      throw unexpected(e);
    }
    if (address == -1) {
      throw new OutOfMemoryError("The system refused " + size + " bytes of memory (mmap).");
    }
    return MemorySegment.ofAddress(address).reinterpret(size, arena, LargeMemory::release);
  }

  /// Changes the protection of whole pages.
  static void protect(MemorySegment pages, int protection) {
    if (pages.byteSize() == 0) {
      return;
    }
    int status;
    try {
      status = (int) MPROTECT.invokeExact(pages.address(), pages(pages.byteSize()), protection);
    } catch (Throwable e) {
      throw unexpected(e);
    }
    if (status != 0) {
      throw new IllegalStateException(
          "The system refused to make memory executable (mprotect): is this process "
              + "confined by a policy that forbids generated code?");
    }
  }

  static long pages(long bytes) {
    return (bytes + PAGE - 1) & -PAGE;
  }

  private static void advise(long address, long bytes, int advice) {
    try {
      // Advice only: a system without huge pages answers with an error, and the memory is as good
      // as before.
      int _ = (int) MADVISE.invokeExact(address, bytes, advice);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static void release(MemorySegment pages) {
    try {
      int _ = (int) MUNMAP.invokeExact(pages.address(), pages.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static MethodHandle bind(String name, FunctionDescriptor type) {
    return Linker.nativeLinker()
        .downcallHandle(Linker.nativeLinker().defaultLookup().findOrThrow(name), type);
  }

  private static AssertionError unexpected(Throwable e) {
    return new AssertionError("a C call threw", e);
  }
}
