package dev.deepstack.codegen.llvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.program.code.NativeCode;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// The object loader on objects as the compiler makes them, and on damaged ones.
class NativeCodeTest {
  /// Constants, a jump table, counters in data and bss, calls within and to the C library, a
  /// function's address.
  private static final String EVERYTHING =
      """
      @table = internal constant [4 x double] [double 1.0, double 2.0, double 3.0, double 4.0]
      @counter = internal global i64 40
      @zeroed = internal global [1000 x i64] zeroinitializer
      @pointers = internal constant [2 x ptr] [ptr @table, ptr @counter]
      @shared = global i64 7
      declare double @cbrt(double)
      declare i64 @labs(i64)
      define i64 @count() {
        %a = load i64, ptr @counter
        %b = add i64 %a, 1
        store i64 %b, ptr @counter
        %p = getelementptr i64, ptr @zeroed, i64 999
        %z = load i64, ptr %p
        %s = load i64, ptr @shared
        %t = add i64 %z, %s
        %r = add i64 %b, %t
        ret i64 %r
      }
      define double @root(i64 %i) {
        %q = getelementptr ptr, ptr @pointers, i64 0
        %t = load volatile ptr, ptr %q
        %p = getelementptr double, ptr %t, i64 %i
        %x = load double, ptr %p
        %c = fmul double %x, %x
        %y = call double @cbrt(double %c)
        ret double %y
      }
      define ptr @outside() {
        ret ptr @labs
      }
      define i64 @jump(i64 %x) {
        switch i64 %x, label %other [ i64 0, label %a
          i64 1, label %b
          i64 2, label %c
          i64 3, label %d
          i64 4, label %e ]
      a:
        %v = call i64 @count()
        ret i64 %v
      b:
        ret i64 111
      c:
        %w = call i64 @labs(i64 -5)
        ret i64 %w
      d:
        ret i64 17
      e:
        ret i64 1000
      other:
        ret i64 -1
      }
      """;

  private static byte[] compile(String ir) {
    return Compiled.compiler().compile(ir, CpuTarget.avx2());
  }

  private static Object call(
      NativeCode code, String name, FunctionDescriptor type, Object... arguments) throws Throwable {
    return Linker.nativeLinker()
        .downcallHandle(code.symbol(name), type)
        .invokeWithArguments(arguments);
  }

  @Test
  void runsWhatTheCompilerMakes() throws Throwable {
    var longs = FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
    try (var code = NativeCode.load(compile(EVERYTHING))) {
      assertThat(code.symbolNames())
          .containsExactlyInAnyOrder("count", "root", "outside", "jump", "shared");
      var count = FunctionDescriptor.of(ValueLayout.JAVA_LONG);
      assertThat(call(code, "count", count)).isEqualTo(48L);
      assertThat(call(code, "count", count)).isEqualTo(49L);
      assertThat(call(code, "jump", longs, 0L)).isEqualTo(50L);
      assertThat(call(code, "jump", longs, 2L)).isEqualTo(5L);
      assertThat(call(code, "jump", longs, 4L)).isEqualTo(1000L);
      assertThat(call(code, "jump", longs, 9L)).isEqualTo(-1L);
      var root = FunctionDescriptor.of(ValueLayout.JAVA_DOUBLE, ValueLayout.JAVA_LONG);
      assertThat((double) call(code, "root", root, 3L)).isCloseTo(Math.cbrt(16), within(1e-15));
      var labs = Linker.nativeLinker().defaultLookup().findOrThrow("labs").address();
      assertThat(call(code, "outside", count)).isEqualTo(labs);
    }
  }

  @Test
  void neverMakesAPageWritableAndExecutable() throws IOException {
    try (var code = NativeCode.load(compile(EVERYTHING))) {
      assertThat(protection(code.symbol("count").address())).isEqualTo("r-xp");
      assertThat(protection(code.symbol("shared").address())).isEqualTo("rw-p");
    }
  }

  private static String protection(long address) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
      var fields = line.split("[- ]");
      if (Long.parseUnsignedLong(fields[0], 16) <= address
          && address < Long.parseUnsignedLong(fields[1], 16)) {
        return line.split(" ")[1];
      }
    }
    throw new AssertionError("not mapped");
  }

  @Test
  void namesAFunctionThatNobodyHas() {
    var object =
        compile(
            "declare void @no_such_function()\n"
                + "define void @f() {\n"
                + " call void @no_such_function()\n"
                + " ret void\n"
                + "}\n");
    assertThatThrownBy(() -> NativeCode.load(object))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("'no_such_function'");
  }

  @Test
  void refusesWhatIsNoObject() {
    assertThatThrownBy(() -> NativeCode.load(new byte[0]))
        .isInstanceOf(MalformedModelException.class);
    assertThatThrownBy(() -> NativeCode.load(new byte[64]))
        .isInstanceOf(MalformedModelException.class);
    assertThatThrownBy(() -> NativeCode.load("hello".repeat(100).getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(MalformedModelException.class);
  }

  @Test
  void damagedObjectsAreRefusedOrLoadedButNeverCrash() {
    var object = compile(EVERYTHING);
    for (int length = 0; length < object.length; length += 7) {
      load(Arrays.copyOf(object, length));
    }
    var random = new Random(3);
    for (int i = 0; i < 20_000; i++) {
      var damaged = object.clone();
      for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
        damaged[random.nextInt(damaged.length)] =
            (byte) (random.nextBoolean() ? random.nextInt() : 0xff);
      }
      load(damaged);
    }
  }

  private static void load(byte[] object) {
    try {
      NativeCode.load(object).close();
    } catch (MalformedModelException e) {
      assertThat(e).hasMessageContaining("compile again");
    }
  }
}
