package dev.deepstack.cli;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.cli.bench.KernelBench;
import dev.deepstack.cli.bench.ModelBench;
import dev.deepstack.cli.bench.Profile;
import dev.deepstack.cli.bench.ProfileTable;
import dev.deepstack.cli.output.Output;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

/// Benchmarks.
@Command(name = "bench", mixinStandardHelpOptions = true, 
    description = {"Measures a model: prompts and answers, beside how fast memory can be read; of a .pt2 file given "
        + "by its path each kernel, beside what the machine allows.",
        "Also: bench kernels, bench overhead, bench models."})
final class BenchCommand implements Callable<Integer> {
  /// libtorch has two pools of threads, OpenMP's and OpenBLAS's, each of which spins while the other works. With short
  /// waits it is up to five times faster on two cores than by default.
  private static final Map<String, String> TWO_POOLS =
      Map.of("OPENBLAS_THREAD_TIMEOUT", "4", "GOMP_SPINCOUNT", "10000");

  @Parameters(paramLabel = "MODEL", arity = "0..1", description = Models.MEANING)
  private @Nullable String model;

  @Option(names = "--prompt-tokens", paramLabel = "N,…", split = ",", defaultValue = "128,512",
      description = "Lengths of prompts (default ${DEFAULT-VALUE}).")
  private List<Integer> promptTokens = List.of();

  @Option(names = "--gen-tokens", paramLabel = "N", defaultValue = "64",
      description = "Tokens of each answer (default ${DEFAULT-VALUE}).")
  private int genTokens;

  @Option(names = "--batch", paramLabel = "N,…", split = ",", defaultValue = "1",
      description = "How many sequences run together (default ${DEFAULT-VALUE}).")
  private List<Integer> batches = List.of();

  @Option(names = "--repeats", paramLabel = "N", defaultValue = "3",
      description = "How often each is measured; medians are shown (default ${DEFAULT-VALUE}).")
  private int repeats;

  @Mixin
  private ProfileMixin profile = new ProfileMixin();

  @Mixin
  private DecoderMixin decoder = new DecoderMixin();

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    if (model == null) {
      throw new CommandLine.ParameterException(output.commandLine(),
          "what shall be measured: a model, kernels, overhead or models?");
    }
    if (ProfileMixin.isFor(model)) {
      Profile measured = profile.run(Models.find(model), common, output.err());
      if (output.isJson()) {
        output.print(ProfileTable.json(measured));
      } else {
        output.out().print(ProfileTable.text(measured));
      }
      return 0;
    }
    return answers(model);
  }

  private int answers(String model) {
    int longest = most("--prompt-tokens", promptTokens);
    int widest = most("--batch", batches);
    if (genTokens < 2 || repeats < 1) {
      throw new InvalidInputException("--gen-tokens must be at least 2 and --repeats at least 1");
    }
    PrintWriter err = output.err();
    LoadOptions options = common.load(err).withDecoder(decoder.options((long) longest + genTokens, widest));
    long start = System.nanoTime();
    try (var loaded = Model.load(Models.find(model), options)) {
      var generator = loaded.generator();
      double seconds = (System.nanoTime() - start) / 1e9;
      if (longest + genTokens > generator.contextMax()) {
        throw new InvalidInputException("prompts of " + longest + " and answers of " + genTokens
            + " tokens are more than the context of " + generator.contextMax() + "; take fewer");
      }
      var bench = new ModelBench(generator, loaded.executable().threads(), genTokens, repeats);
      ModelBench.Result result = bench.run(batches, promptTokens, seconds, options.progress());
      output.out().print(
          output.isJson() ? JsonMapper.shared().writeValueAsString(result.json()) + "\n" : result.table());
    }
    return 0;
  }

  private static int most(String option, List<Integer> values) {
    for (int value : values) {
      if (value < 1) {
        throw new InvalidInputException(option + " takes positive numbers, not " + value);
      }
    }
    return values.stream().mapToInt(Integer::intValue).max().orElseThrow(
        () -> new InvalidInputException(option + " needs a number"));
  }

  @Command(name = "kernels", mixinStandardHelpOptions = true,
      description = "Matrix-vector and matrix-matrix products against the machine's own limits, in one run.")
  int kernels(
      @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
          description = "Threads; 0 takes all processors.") int threads,
      @Option(names = "--json", description = "Print one JSON object instead of a table.") boolean json) {
    if (threads < 0 || threads > Runtime.getRuntime().availableProcessors()) {
      throw new InvalidInputException("--threads must be from 0 (all) to this machine's "
          + Runtime.getRuntime().availableProcessors() + " processors, not " + threads);
    }
    PrintWriter out = output.out();
    int count = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    KernelBench.Result result = KernelBench.run(LlvmCompiler.shared(), CpuTarget.host(), count);
    out.print(json ? JsonMapper.shared().writeValueAsString(result.json()) + "\n" : result.table());
    return 0;
  }

  @Command(name = "overhead", mixinStandardHelpOptions = true,
      description = "Two small models against ONNX Runtime and libtorch, interleaved in one run.")
  int overhead(@Option(names = "--json", description = "Print one JSON object instead of a table.") boolean json)
      throws IOException, InterruptedException {
    return PeerBench.run(output, "overhead.Overhead", PeerBench.folder("models"), Map.of(), json);
  }

  @Command(name = "models", mixinStandardHelpOptions = true,
      description = {"ResNet-50, BERT-base and MobileNetV2 against ONNX Runtime and libtorch, interleaved in one run.",
          "bench/models/large.py makes their files."})
  int models(
      @Option(names = "--models", paramLabel = "FOLDER",
          description = "Where the models' files are (default bench/models/large).") @Nullable Path folder,
      @Option(names = "--json", description = "Print one JSON object instead of a table.") boolean json)
      throws IOException, InterruptedException {
    Path models = folder == null ? PeerBench.folder("models/large") : folder;
    return PeerBench.run(output, "models.Models", models, TWO_POOLS, json);
  }
}
