package dev.deepstack.cli;

import dev.deepstack.cli.output.Output;
import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Stores a model in fewer bits.
@Command(name = "quantize", mixinStandardHelpOptions = true,
    description = {"Stores a model in a smaller format, as a GGUF file that DeepStack and llama.cpp read.",
        "Norms, routers and biases stay in 32 bits; metadata, tokenizer and chat template are carried over."},
    footer = {"", "q8_0   8.5 bits per weight: practically the original",
        "q4_0   4.5 bits, the output matrix 6.6: half the size, with some loss",
        "mxfp4  4.25 bits for routed experts (without experts: for all layers), the rest 8.5", "",
        "Try: deepstack quantize ./Qwen3-0.6B qwen3-q8.gguf --format q8_0"})
final class QuantizeCommand implements Callable<Integer> {
  /// What can be written, by the names of [dev.deepstack.importer.gguf.GgufTarget].
  enum Format { Q8_0, Q4_0, MXFP4 }

  @Parameters(index = "0", paramLabel = "IN", description = "A folder as it comes from a hub, or a GGUF file.")
  private Path in = Path.of("");

  @Parameters(index = "1", paramLabel = "OUT.gguf", description = "The file to write.")
  private Path out = Path.of("");

  @Option(names = "--format", required = true, paramLabel = "FORMAT", description = "q8_0, q4_0 or mxfp4.")
  private Format format = Format.Q8_0;

  @Option(names = "--pre", paramLabel = "NAME",
      description = "The name of the tokenizer's split rules, where they can't be told from the folder.")
  private @Nullable String pre;

  @Option(names = "--force", description = "Replace the file when it is there already.")
  private boolean force;

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() throws IOException {
    checkOutput();
    long start = System.nanoTime();
    var line = new ProgressLine(output.err(), CommonOptions.isWatched(), System::nanoTime);
    report(Quantization.run(in, out, format.name(), pre, line), (System.nanoTime() - start) / 1e9);
    return 0;
  }

  private void checkOutput() throws IOException {
    if (!out.toString().endsWith(".gguf")) {
      throw new InvalidInputException("the output must be called something.gguf, not " + out);
    }
    if (Files.isDirectory(out)) {
      throw new InvalidInputException(out + " is a folder; give the name of a file");
    }
    if (Files.exists(out)) {
      if (Files.exists(in) && Files.isSameFile(in, out)) {
        throw new InvalidInputException("a file can't be written over the one it is made from; give another name");
      }
      if (!force) {
        throw new InvalidInputException(out + " is there already; give another name, or --force to replace it");
      }
    }
  }

  private void report(Quantization made, double seconds) throws IOException {
    PrintWriter print = output.out();
    long bytes = Files.size(out);
    if (output.isJson()) {
      var report = new LinkedHashMap<String, Object>();
      report.put("file", out.toString());
      report.put("format", made.format());
      report.put("tensors", made.tensors());
      report.put("bytes", bytes);
      report.put("bytes_by_type", made.bytesByType());
      report.put("seconds", seconds);
      output.print(report);
    } else {
      print.printf(Locale.ROOT, "%s: %s, %d tensors (%s), in %.1f s%n", out, ProgressLine.size(bytes),
          made.tensors(), made.bytesByType().entrySet().stream()
              .map(e -> e.getKey() + " " + ProgressLine.size(e.getValue())).collect(Collectors.joining(", ")), seconds);
    }
  }
}
