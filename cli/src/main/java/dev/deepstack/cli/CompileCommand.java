package dev.deepstack.cli;

import dev.deepstack.api.Model;
import dev.deepstack.cli.output.Output;
import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.ProgramFile;
import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Writes a `.dsp`.
@Command(name = "compile", mixinStandardHelpOptions = true,
    description = "Compiles a model to a .dsp file, which runs without the compiler and without LLVM.")
final class CompileCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "demo, a .pt2 file, or a folder with one.")
  private String model = "";

  @Option(names = {"-o", "--output"}, required = true, paramLabel = "FILE.dsp", description = "The file to write.")
  private Path file = Path.of("");

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() throws IOException {
    PrintWriter out = output.out();
    if (!file.toString().endsWith(".dsp")) {
      throw new InvalidInputException("the output must be called something.dsp, not " + file);
    }
    long start = System.nanoTime();
    try (CompiledModel compiled = Model.compile(Models.find(model), common.load(output.err()))) {
      if (compiled.decoding() != null) {
        throw new InvalidInputException(model + " is a checkpoint, and .dsp files of those cannot be written yet; run "
            + "it as it is: its code and packed weights are kept from the first run on");
      }
      ProgramFile.write(file, compiled);
      double seconds = (System.nanoTime() - start) / 1e9;
      long bytes = Files.size(file);
      String cpu = compiled.general().cpu();
      if (output.isJson()) {
        output.print(Map.of("file", file.toString(), "bytes", bytes, "cpu", cpu, "seconds", seconds));
      } else {
        out.printf(Locale.ROOT, "%s: %.1f MB for %s, compiled in %.1f s%n", file, bytes / 1e6, cpu, seconds);
      }
    }
    return 0;
  }
}
