package dev.deepstack.api;

import java.util.function.Consumer;

/// How to load a model.
///
/// @param threads that may run a step together; 0 takes all processors
/// @param cpu what to compile for: `native`, `avx2` or `avx512`
/// @param cached whether compiled code may come from and go to the user's cache
/// @param progress told what is being done, in a few words; a sentence that ends with a full stop is for everybody
/// @param decoder what only decoders with paged caches care about
public record LoadOptions(
    int threads, String cpu, boolean cached, Consumer<String> progress, DecoderOptions decoder) {
  public LoadOptions(int threads, String cpu, boolean cached, Consumer<String> progress) {
    this(threads, cpu, cached, progress, DecoderOptions.standard());
  }

  public static LoadOptions standard() {
    return new LoadOptions(0, "native", true, _ -> {});
  }

  public LoadOptions withThreads(int count) {
    return new LoadOptions(count, cpu, cached, progress, decoder);
  }

  public LoadOptions withCpu(String name) {
    return new LoadOptions(threads, name, cached, progress, decoder);
  }

  public LoadOptions withProgress(Consumer<String> listener) {
    return new LoadOptions(threads, cpu, cached, listener, decoder);
  }

  public LoadOptions withDecoder(DecoderOptions options) {
    return new LoadOptions(threads, cpu, cached, progress, options);
  }
}
