package dev.deepstack.program.code;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Keeps the process alive when a file that is mapped gets shorter while its pages are read.
///
/// The kernel answers such a read with the signal SIGBUS, which ends a process whose machine code was reading. For the
/// mappings that are watched a handler puts zeros in the place of what the file has lost, notes it, and lets the code
/// go on; the results are worthless, and whoever runs it asks [#isDamaged] afterwards. All other faults go to the
/// handler that was there before, the Java machine's. Does nothing on systems other than Linux on x86-64.
public final class FaultWatch implements AutoCloseable {
  private static final int SIGBUS = 7;
  private static final int SIGACTION_BYTES = 152;
  private static final int TABLE_BYTES = 1 << 16;
  /// Of the table: the former handler, the number of entries, then entries of start, end and damage.
  private static final int HEAD_LONGS = 2;
  private static final int ENTRY_LONGS = 3;
  private static final int ENTRIES_MAX = (TABLE_BYTES / Long.BYTES - HEAD_LONGS) / ENTRY_LONGS;
  private static final VarHandle LONGS = ValueLayout.JAVA_LONG.arrayElementVarHandle();
  private static final Pattern MAPPING = Pattern.compile("([0-9a-f]+)-([0-9a-f]+) \\S+ \\S+ \\S+ \\d+ +(/.*)");

  /// Three C parameters: signal, siginfo, context. A handler may be called between any two instructions of any thread,
  /// so it uses no memory but the table, and of the system nothing but mmap.
  ///
  /// ```
  ///          mov rax, [rsi+16]                  ; the address of the fault
  ///          movabs r8, TABLE
  ///          mov rcx, [r8+8]
  ///          lea r9, [r8+16]
  /// entry:   test rcx, rcx
  ///          jz former
  ///          cmp rax, [r9]
  ///          jb next
  ///          cmp rax, [r9+8]
  ///          jb found
  /// next:    add r9, 24
  ///          dec rcx
  ///          jmp entry
  /// found:   mov qword ptr [r9+16], 1
  ///          push rdi, rsi, rdx, r8
  ///          mov rsi, [r9+8]                    ; all from the page on: the file ends before it
  ///          and rax, -4096
  ///          mov rdi, rax
  ///          sub rsi, rax
  ///          mov edx, 1                         ; PROT_READ
  ///          mov r10d, 0x32                     ; MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
  ///          mov r8, -1
  ///          xor r9d, r9d
  ///          mov eax, 9                         ; mmap
  ///          syscall
  ///          pop r8, rdx, rsi, rdi
  ///          cmp rax, -4095
  ///          jae former
  ///          ret
  /// former:  jmp [r8]
  /// ```
  private static final byte[] HANDLER = HexFormat.of().parseHex("488b461049b800000000000000004"
      + "98b48084d8d48104885c9745b493b017206493b410872094983c11848ffc9ebe749c741100100000057565241"
      + "50498b7108482500f0ffff4889c74829c6ba0100000041ba3200000049c7c0ffffffff4531c9b8090000000f05"
      + "41585a5e5f483d01f0ffff7301c341ff20");
  private static final int TABLE_AT = 6;

  /// Never closed: a signal may come as long as the process lives.
  private static final Arena PROCESS = Arena.ofShared();
  /// The process has one handler for a signal, and this is the memory it looks at; null where there is none.
  private static final @Nullable MemorySegment TABLE = install();

  private final List<Integer> entries = new ArrayList<>();

  private FaultWatch() {}

  /// Watches all mappings of some files that are there now, until it is closed. The mappings must live longer.
  public static FaultWatch of(Collection<Path> files) {
    var watch = new FaultWatch();
    watch.add(files);
    return watch;
  }

  /// Watches mappings of further files too.
  public void add(Collection<Path> files) {
    MemorySegment table = TABLE;
    if (table == null) {
      return;
    }
    Set<String> paths = new HashSet<>();
    try {
      for (Path file : files) {
        if (Files.exists(file)) {
          paths.add(file.toRealPath().toString());
        }
      }
      synchronized (table) {
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"), StandardCharsets.ISO_8859_1)) {
          Matcher mapping = MAPPING.matcher(line);
          if (mapping.matches() && paths.contains(utf8(mapping.group(3)))) {
            add(table, Long.parseLong(mapping.group(1), 16), Long.parseLong(mapping.group(2), 16));
          }
        }
      }
    } catch (IOException _) {
      // Then faults remain what they were.
    }
  }

  private static String utf8(String bytes) {
    return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
  }

  private void add(MemorySegment table, long start, long end) {
    int count = (int) get(table, 1);
    int free = 0;
    while (free < count && get(table, at(free) + 1) != 0) {
      free++;
    }
    if (free == ENTRIES_MAX) {
      return;
    }
    // The end comes last: until then the entry holds no address.
    set(table, at(free), start);
    set(table, at(free) + 2, 0);
    set(table, at(free) + 1, end);
    set(table, 1, Math.max(count, free + 1));
    entries.add(free);
  }

  /// Whether a watched file was found to be shorter than its mapping.
  public boolean isDamaged() {
    MemorySegment table = TABLE;
    return table != null && entries.stream().anyMatch(e -> get(table, at(e) + 2) != 0);
  }

  @Override
  public void close() {
    MemorySegment table = TABLE;
    if (table != null) {
      synchronized (table) {
        entries.forEach(e -> set(table, at(e) + 1, 0));
        entries.clear();
      }
    }
  }

  private static int at(int entry) {
    return HEAD_LONGS + entry * ENTRY_LONGS;
  }

  private static long get(MemorySegment table, int index) {
    return (long) LONGS.getVolatile(table, 0L, (long) index);
  }

  private static void set(MemorySegment table, int index, long value) {
    LONGS.setVolatile(table, 0L, (long) index, value);
  }

  /// Puts the handler before the Java machine's, whose flags and mask it keeps.
  private static @Nullable MemorySegment install() {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    if (!system.equals("linux") || !System.getProperty("os.arch", "").equals("amd64")) {
      return null;
    }
    MemorySegment table = LargeMemory.reserve(PROCESS, TABLE_BYTES);
    MemorySegment code = LargeMemory.reserve(PROCESS, HANDLER.length);
    code.copyFrom(MemorySegment.ofArray(HANDLER));
    code.set(ValueLayout.JAVA_LONG_UNALIGNED, TABLE_AT, table.address());
    MethodHandle sigaction = Linker.nativeLinker().downcallHandle(
        Linker.nativeLinker().defaultLookup().findOrThrow("sigaction"), FunctionDescriptor.of(ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    try (Arena scratch = Arena.ofConfined()) {
      LargeMemory.protect(code, LargeMemory.READ | LargeMemory.EXECUTE);
      MemorySegment action = scratch.allocate(SIGACTION_BYTES, Long.BYTES);
      int known = (int) sigaction.invokeExact(SIGBUS, MemorySegment.NULL, action);
      long former = action.get(ValueLayout.JAVA_LONG, 0);
      // 0 and 1 are no functions but "the usual" and "nothing".
      if (known != 0 || former == 0 || former == 1) {
        return null;
      }
      set(table, 0, former);
      action.set(ValueLayout.JAVA_LONG, 0, code.address());
      int status = (int) sigaction.invokeExact(SIGBUS, action, MemorySegment.NULL);
      return status == 0 ? table : null;
    } catch (IllegalStateException _) {
      return null;
    } catch (Throwable e) {
      throw new AssertionError("a C call threw", e);
    }
  }
}
