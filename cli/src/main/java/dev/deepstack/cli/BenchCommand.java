package dev.deepstack.cli;

import dev.deepstack.cli.bench.KernelBench;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Benchmarks.
@Command(name = "bench", mixinStandardHelpOptions = true, description = "Measures kernels, and overhead against peers.")
final class BenchCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "what shall be measured: kernels or overhead?");
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
    PrintWriter out = spec.commandLine().getOut();
    int count = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    KernelBench.Result result = KernelBench.run(LlvmCompiler.shared(), CpuTarget.host(), count);
    out.print(json ? JsonMapper.shared().writeValueAsString(result.json()) + "\n" : result.table());
    return 0;
  }

  @Command(name = "overhead", mixinStandardHelpOptions = true,
      description = "Two small models against ONNX Runtime and libtorch, interleaved in one run.")
  int overhead(@Option(names = "--json", description = "Print one JSON object instead of a table.") boolean json)
      throws IOException, InterruptedException {
    Path home = Path.of(System.getProperty("deepstack.home", "")).toAbsolutePath();
    Path bench = home.resolve("bench");
    Path classPath = Stream.of("target/classpath.txt", "target/quick/classpath.txt").map(bench::resolve)
        .filter(Files::isRegularFile).findFirst().orElseThrow(() -> new InvalidInputException(
            "the peers are not built yet; run ./mvnw -Pbench -Dquickly -pl bench -am package in " + home));
    var command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
        "-cp", Files.readString(classPath).strip(), "dev.deepstack.bench.overhead.Overhead",
        "--models", bench.resolve("models").toString()));
    if (json) {
      command.add("--json");
    }
    var process = new ProcessBuilder(command).redirectErrorStream(false)
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    PrintWriter out = spec.commandLine().getOut();
    try (var reader = process.inputReader()) {
      reader.lines().forEach(out::println);
    }
    return process.waitFor() == 0 ? 0 : Main.FAILED;
  }
}
