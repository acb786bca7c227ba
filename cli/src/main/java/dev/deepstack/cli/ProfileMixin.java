package dev.deepstack.cli;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.cli.bench.Profile;
import dev.deepstack.cli.bench.Profiler;
import dev.deepstack.compiler.Targets;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.Safetensors;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of a profiled run.
final class ProfileMixin {
  @Option(names = "--size", paramLabel = "SYMBOL=N",
      description = "Sizes to profile a .pt2 file with (see deepstack inspect); 64 or what is nearest without.")
  private Map<String, Long> sizes = new LinkedHashMap<>();

  @Option(names = "--inputs", paramLabel = "FILE",
      description = "Tensors to profile a .pt2 file with (safetensors); random ones without.")
  private @Nullable Path inputs;

  /// Whether the model is a file whose kernels can be profiled.
  static boolean isFor(String model) {
    return model.endsWith(".pt2");
  }

  /// @param err gets what is being done
  Profile run(Path file, CommonOptions common, PrintWriter err) {
    LoadOptions options = common.load(err);
    int processors = Runtime.getRuntime().availableProcessors();
    if (options.threads() < 0 || options.threads() > processors) {
      throw new InvalidInputException("--threads must be from 0 (all) to this machine's " + processors
          + " processors, not " + options.threads());
    }
    ObjectCache cache = options.cached() ? ObjectCache.open(options.progress()) : ObjectCache.none();
    int threads = options.threads() == 0 ? processors : options.threads();
    var profiler = new Profiler(Targets.find(common.cpu()), threads, cache, options.progress());
    if (inputs == null) {
      return profiler.run(file, sizes, Map.of());
    }
    try (Arena arena = Arena.ofShared()) {
      Map<String, HostTensor> given = Safetensors.read(inputs, arena);
      return profiler.run(file, sizes, given);
    }
  }
}
