package dev.deepstack.cli;

import dev.deepstack.api.Model;
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
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Writes a `.dsp`.
@Command(name = "compile", mixinStandardHelpOptions = true,
    description = "Compiles a model to a .dsp file, which runs without the compiler and without LLVM.")
final class CompileCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "demo, a .pt2 file, or a folder with one.")
  private String model = "";

  @Option(names = {"-o", "--output"}, required = true, paramLabel = "FILE.dsp", description = "The file to write.")
  private Path output = Path.of("");

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (!output.toString().endsWith(".dsp")) {
      throw new InvalidInputException("the output must be called something.dsp, not " + output);
    }
    long start = System.nanoTime();
    try (CompiledModel compiled = Model.compile(Models.find(model), common.load(spec.commandLine().getErr()))) {
      if (compiled.decoding() != null) {
        throw new InvalidInputException(model + " is a checkpoint, and .dsp files of those cannot be written yet; run "
            + "it as it is: its code and packed weights are kept from the first run on");
      }
      ProgramFile.write(output, compiled);
      double seconds = (System.nanoTime() - start) / 1e9;
      long bytes = Files.size(output);
      String cpu = compiled.general().cpu();
      if (json) {
        out.println(JsonMapper.shared().writeValueAsString(
            Map.of("file", output.toString(), "bytes", bytes, "cpu", cpu, "seconds", seconds)));
      } else {
        out.printf(Locale.ROOT, "%s: %.1f MB for %s, compiled in %.1f s%n", output, bytes / 1e6, cpu, seconds);
      }
    }
    return 0;
  }
}
