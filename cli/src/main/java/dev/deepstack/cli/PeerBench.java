package dev.deepstack.cli;

import dev.deepstack.cli.output.Output;
import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Starts the benchmarks against other engines, which are a build of their own, in a process of their own.
final class PeerBench {
  private PeerBench() {}

  private static Path home() {
    return Path.of(System.getProperty("deepstack.home", "")).toAbsolutePath();
  }

  /// A folder of the benchmarks.
  static Path folder(String name) {
    return home().resolve("bench").resolve(name);
  }

  /// @param name the main class, below the package of the benchmarks
  /// @param models where its models are
  /// @param environment of the process, beside what is inherited
  static int run(Output output, String name, Path models, Map<String, String> environment, boolean json)
      throws IOException, InterruptedException {
    Path classPath = Stream.of("target/classpath.txt", "target/quick/classpath.txt").map(PeerBench::folder)
        .filter(Files::isRegularFile).findFirst().orElseThrow(() -> new InvalidInputException(
            "the peers are not built yet; run ./mvnw -Pbench -Dquickly -pl bench -am package in " + home()));
    var command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
        "-cp", Files.readString(classPath).strip(), "dev.deepstack.bench." + name, "--models", models.toString()));
    if (json) {
      command.add("--json");
    }
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(environment);
    var process = builder.start();
    PrintWriter out = output.out();
    try (var reader = process.inputReader()) {
      reader.lines().forEach(line -> {
        out.println(line);
        out.flush();
      });
    }
    return process.waitFor() == 0 ? 0 : Main.FAILED;
  }
}
