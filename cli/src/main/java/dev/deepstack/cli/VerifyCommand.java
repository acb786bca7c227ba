package dev.deepstack.cli;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.cli.output.Output;
import dev.deepstack.cli.verify.DecoderGolden;
import dev.deepstack.cli.verify.Report;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Compares with what PyTorch recorded.
@Command(name = "verify", mixinStandardHelpOptions = true,
    description = {"Replays recorded calls of a model and compares the results with the recorded ones.",
        "A folder holds model*.pt2 (or model*.dsp), manifest.json, golden_in.safetensors and golden_out.safetensors,",
        "or a checkpoint (config.json and safetensors files, or a .gguf file) with golden.safetensors and",
        "golden.json."})
final class VerifyCommand implements Callable<Integer> {
  /// What runs the model.
  enum EngineKind { NATIVE, REFERENCE }

  @Parameters(paramLabel = "FOLDER", arity = "1..*", description = "Folders with recorded calls.")
  private List<Path> folders = List.of();

  @Option(names = "--engine", paramLabel = "ENGINE", defaultValue = "NATIVE",
      description = "native: generated machine code (default); reference: the interpreter that defines every op.")
  private EngineKind engine = EngineKind.NATIVE;

  @Option(names = "--logits", paramLabel = "FILE",
      description = "Write the logits of a checkpoint's recorded prompt, as generation computes them, to this file.")
  private @Nullable Path logits;

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Mixin
  private Output output = new Output();

  /// What came of one model file.
  private record Verdict(Path file, boolean passed, String error, List<? extends Report> steps) {
    double largest() {
      return steps.stream().mapToDouble(Report::error).max().orElse(0);
    }

    String word() {
      return passed ? "ok" : error.isEmpty() ? "out of tolerance" : "failed";
    }
  }

  @Override
  public Integer call() {
    if (logits != null && (folders.size() != 1 || !hasRecording(folders.getFirst()))) {
      throw new InvalidInputException("--logits takes one folder, with a checkpoint and " + DecoderGolden.TENSORS);
    }
    PrintWriter out = output.out();
    var verdicts = new ArrayList<Verdict>();
    for (Path folder : folders) {
      for (Path file : models(folder)) {
        Verdict verdict = verify(folder, file);
        verdicts.add(verdict);
        if (!output.isJson()) {
          print(out, verdict);
        }
      }
    }
    long failed = verdicts.stream().filter(v -> !v.passed).count();
    if (output.isJson()) {
      output.print(Map.of("passed", failed == 0, "files", verdicts.stream().map(VerifyCommand::entry).toList()));
    } else if (verdicts.size() > 1) {
      summary(out, verdicts, failed);
    }
    return failed == 0 ? 0 : Main.FAILED;
  }

  private static List<Path> models(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException("there is no folder " + folder
          + "; give one with model.pt2 and manifest.json, or with a checkpoint and " + DecoderGolden.TENSORS);
    }
    if (hasRecording(folder) && Files.exists(folder.resolve("config.json"))) {
      return List.of(folder);
    }
    try (var files = Files.list(folder)) {
      String ending = hasRecording(folder) ? ".gguf" : "";
      List<Path> models = files.filter(f -> ending.isEmpty() ? isModel(f) : f.toString().endsWith(ending)).sorted()
          .toList();
      if (models.isEmpty()) {
        throw new InvalidInputException("the folder " + folder + " holds no model*.pt2 or model*.dsp to verify, nor a "
            + DecoderGolden.TENSORS + " beside a checkpoint");
      }
      return models;
    } catch (IOException e) {
      throw new InvalidInputException("cannot read the folder " + folder + ": " + e.getMessage(), e);
    }
  }

  private static boolean hasRecording(Path folder) {
    return Files.exists(folder.resolve(DecoderGolden.TENSORS));
  }

  private static boolean isModel(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith("model") && (name.endsWith(".pt2") || name.endsWith(".dsp"));
  }

  /// One bad file must not hide what the others do.
  private Verdict verify(Path folder, Path file) {
    try {
      LoadOptions options = common.load(output.err());
      List<? extends Report> steps = hasRecording(folder)
          ? CheckpointReplay.run(engine, file, folder, options, logits)
          : FileReplay.run(engine, folder, file, options);
      return new Verdict(file, steps.stream().allMatch(Report::passed), "", steps);
    } catch (InvalidInputException | MalformedModelException | UnsupportedModelException e) {
      return new Verdict(file, false, String.valueOf(e.getMessage()), List.of());
    }
  }

  private static void print(PrintWriter out, Verdict verdict) {
    out.println(verdict.file + ": " + verdict.word() + (verdict.error.isEmpty() ? "" : ": " + verdict.error));
    verdict.steps.forEach(s -> out.println("  " + s));
    out.flush();
  }

  private static void summary(PrintWriter out, List<Verdict> verdicts, long failed) {
    out.println();
    for (Verdict v : verdicts) {
      out.printf(Locale.ROOT, "%-60s %10.2e  %s%n", v.file, v.largest(), v.word());
    }
    out.printf(Locale.ROOT, "%d of %d files ok%n", verdicts.size() - failed, verdicts.size());
  }

  private static Map<String, Object> entry(Verdict v) {
    var entry = new LinkedHashMap<String, Object>();
    entry.put("file", v.file.toString());
    entry.put("passed", v.passed);
    entry.put("error", v.error);
    entry.put("largest_error", v.largest());
    entry.put("steps", v.steps.stream().map(Report::json).toList());
    return entry;
  }
}
