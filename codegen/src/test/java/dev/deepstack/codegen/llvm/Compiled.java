package dev.deepstack.codegen.llvm;

import dev.deepstack.program.code.NativeCode;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/// Native code of a test module, with calls by plain arguments.
final class Compiled implements AutoCloseable {
  private static final LlvmCompiler COMPILER = LlvmCompiler.open();

  private final NativeCode code;

  private Compiled(NativeCode code) {
    this.code = code;
  }

  static LlvmCompiler compiler() {
    return COMPILER;
  }

  static Compiled of(ModuleText module) {
    return new Compiled(NativeCode.load(COMPILER.compile(module.text(), module.cpu())));
  }

  /// Calls a void function; arguments are segments, longs, ints, floats.
  void call(String name, Object... arguments) {
    try {
      handle(name, arguments).invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private MethodHandle handle(String name, Object... arguments) {
    var layouts = Arrays.stream(arguments).map(Compiled::layout).toArray(MemoryLayout[]::new);
    return Linker.nativeLinker()
        .downcallHandle(code.symbol(name), FunctionDescriptor.ofVoid(layouts));
  }

  private static MemoryLayout layout(Object argument) {
    return switch (argument) {
      case MemorySegment _ -> ValueLayout.ADDRESS;
      case Long _ -> ValueLayout.JAVA_LONG;
      case Integer _ -> ValueLayout.JAVA_INT;
      case Float _ -> ValueLayout.JAVA_FLOAT;
      case Double _ -> ValueLayout.JAVA_DOUBLE;
      default -> throw new IllegalArgumentException(argument.getClass().toString());
    };
  }

  @Override
  public void close() {
    code.close();
  }
}
