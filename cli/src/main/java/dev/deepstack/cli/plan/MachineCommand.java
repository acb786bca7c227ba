package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.device.Device;
import dev.deepstack.tensor.InvalidInputException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// What this machine will do with models that it runs, before it runs them.
@Command(name = "machine", mixinStandardHelpOptions = true,
    description = "Predicts what deepstack bench MODEL measures on this machine, from the model's weights as stored "
        + "and from how fast memory can be read.")
final class MachineCommand implements Callable<Integer> {
  private static final int LENGTH_MAX = 1 << 20;

  @Parameters(paramLabel = "MODEL", arity = "1..*",
      description = "A .gguf file, or a folder with config.json and safetensors.")
  private List<Path> models = List.of();

  @Option(names = "--prompt-tokens", paramLabel = "N,…", split = ",", defaultValue = "128,512",
      description = "Lengths of prompts (default ${DEFAULT-VALUE}).")
  private List<Integer> prompts = List.of();

  @Option(names = "--gen-tokens", paramLabel = "N", defaultValue = "64",
      description = "Tokens of each answer (default ${DEFAULT-VALUE}).")
  private int answer;

  @Option(names = "--read-gb-s", paramLabel = "GB/S",
      description = "How fast memory can be read; default: measured now.")
  private double read = Double.NaN;

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    if (read <= 0 || read > 1e6 || answer < 1 || answer > LENGTH_MAX
        || prompts.stream().anyMatch(p -> p < 1 || p > LENGTH_MAX)) {
      throw new InvalidInputException("--read-gb-s is a positive number, --prompt-tokens and --gen-tokens are 1 to "
          + LENGTH_MAX);
    }
    Device device = Double.isNaN(read) ? ThisMachine.device() : ThisMachine.device(read * 1e9);
    List<MachinePrediction> rows = models.stream()
        .flatMap(model -> MachinePrediction.of(model, device, prompts, answer).stream()).toList();
    if (output.isJson()) {
      output.print(java.util.Map.of("read_gb_s", device.bandwidth() / 1e9, "rows", rows.stream().map(r ->
          java.util.Map.of("model", r.model(), "prompt_tokens", r.promptTokens(), "prefill_tok_s", r.prefill(),
              "decode_tok_s", r.decode(), "bytes_per_token", r.bytesPerToken())).toList()));
      return 0;
    }
    output.out().printf(Locale.ROOT, "memory is read at %.1f GB/s; predicted, not measured%n%n",
        device.bandwidth() / 1e9);
    output.out().printf(Locale.ROOT, "%-28s %14s %15s %14s %15s%n", "model", "prompt tokens", "prefill tok/s",
        "decode tok/s", "MB per token");
    rows.forEach(r -> output.out().printf(Locale.ROOT, "%-28s %14d %15.1f %14.1f %15.2f%n", r.model(), r.promptTokens(),
        r.prefill(), r.decode(), r.bytesPerToken() / 1e6));
    return 0;
  }
}
