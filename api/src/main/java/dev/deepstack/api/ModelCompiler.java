package dev.deepstack.api;

import dev.deepstack.program.CompiledModel;
import java.nio.file.Path;
import java.util.function.Consumer;

/// The port through which a model file becomes a program. Found by [java.util.ServiceLoader]; without an implementation
/// on the class path only `.dsp` files can be loaded.
public interface ModelCompiler {
  /// How to compile.
  ///
  /// @param cpu `native`, `avx2` or `avx512`
  /// @param cached whether compiled code may be taken from and put into the user's cache
  /// @param progress told what is being done, in a few words
  record Options(String cpu, boolean cached, Consumer<String> progress) {
    public static Options standard() {
      return new Options("native", true, _ -> {});
    }
  }

  /// Compiles a `.pt2` file. The result keeps the file mapped until it is closed.
  CompiledModel compile(Path file, Options options);
}
