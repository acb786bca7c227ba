package dev.deepstack.program.weight;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.deepstack.program.code.NativeCode;
import dev.deepstack.tensor.BlockFormat;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Machine code that packs a panel, which programs bring along for the formats of their weights:
///
/// ```
/// void pack.q4_0(ptr source, i64 stride, i64 rows, i64 count, ptr to)
/// ```
///
/// `source` is the first of `rows` stored rows, `stride` bytes apart, at least one and at most as many as a panel has;
/// `count` the blocks of a row, or for [#WORDS] its words of 4 bytes. Lanes beyond `rows` repeat the last row.
public final class PanelCode {
  /// Name of the function for plain numbers.
  public static final String WORDS = "pack.words";

  private final MethodHandle function;

  private PanelCode(MethodHandle function) {
    this.function = function;
  }

  /// Name of the function for a block format.
  public static String name(BlockFormat format) {
    return "pack." + format.name().toLowerCase(Locale.ROOT);
  }

  /// The function of a program's code, or null when it has none.
  public static @Nullable PanelCode of(NativeCode code, @Nullable BlockFormat format) {
    String name = format == null ? WORDS : name(format);
    return code.symbolNames().contains(name)
        ? new PanelCode(Linker.nativeLinker().downcallHandle(code.symbol(name),
            FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS)))
        : null;
  }

  void pack(MemorySegment source, long stride, long rows, long count, MemorySegment to) {
    try {
      function.invokeExact(source, stride, rows, count, to);
    } catch (Throwable e) {
      throw new IllegalStateException("a generated function cannot throw", e);
    }
  }
}
