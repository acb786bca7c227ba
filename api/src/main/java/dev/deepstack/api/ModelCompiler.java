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
  /// @param cacheType how a decoder's caches are stored: `f32`, `bf16`, `f16` or `q8`
  /// @param exact whether a decoder's activations stay f32, see [DecoderOptions]
  /// @param context tokens that a decoder's sequences have at most
  record Options(
      String cpu, boolean cached, Consumer<String> progress, String cacheType, boolean exact, long context) {
    public static Options standard() {
      return new Options("native", true, _ -> {}, "f32", false, DecoderOptions.CONTEXT_USUAL);
    }
  }

  /// Whether it is for this file or folder, by its name.
  boolean compiles(Path file);

  /// Compiles a model. The result keeps its files mapped until it is closed.
  CompiledModel compile(Path file, Options options);
}
