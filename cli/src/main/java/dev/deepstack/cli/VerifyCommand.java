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
import java.io.UncheckedIOException;
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
import picocli.CommandLine.ParentCommand;

/// Compares with what PyTorch recorded.
@Command(name = "verify", mixinStandardHelpOptions = true,
    description = {"Replays recorded calls of a model and compares the results with the recorded ones.",
        "A folder holds model*.pt2 (or model*.dsp), manifest.json, golden_in.safetensors and golden_out.safetensors,",
        "or a checkpoint (config.json and safetensors files, or a .gguf file) with golden.safetensors and",
        "golden.json. A folder that holds none of them stands for all such folders below it."})
final class VerifyCommand implements Callable<Integer> {
  /// What runs the model.
  enum EngineKind { NATIVE, REFERENCE }

  /// What `--engine` picks.
  private enum Engines {
    NATIVE, REFERENCE, BOTH;

    List<EngineKind> kinds() {
      return switch (this) {
        case NATIVE -> List.of(EngineKind.NATIVE);
        case REFERENCE -> List.of(EngineKind.REFERENCE);
        case BOTH -> List.of(EngineKind.NATIVE, EngineKind.REFERENCE);
      };
    }
  }

  @Parameters(paramLabel = "FOLDER", arity = "1..*", description = "Folders with recorded calls.")
  private List<Path> folders = List.of();

  @Option(names = "--engine", paramLabel = "ENGINE", defaultValue = "NATIVE",
      description = "native: generated machine code (default); reference: the interpreter that defines every op; both.")
  private Engines engines = Engines.NATIVE;

  @ParentCommand
  private @Nullable Main main;

  @Option(names = "--logits", paramLabel = "FILE",
      description = "Write the logits of a checkpoint's recorded prompt, as generation computes them, to this file.")
  private @Nullable Path logits;

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Mixin
  private Output output = new Output();

  /// A folder with recorded calls, and a model file in it.
  private record Subject(Path folder, Path file) {}

  /// What came of one model file on one engine.
  private record Verdict(Path file, EngineKind engine, boolean passed, String error, List<? extends Report> steps) {
    double largest() {
      return steps.stream().mapToDouble(Report::error).max().orElse(0);
    }

    String word() {
      return passed ? "ok" : error.isEmpty() ? "out of tolerance" : "failed";
    }

    String engineText() {
      return engine.name().toLowerCase(Locale.ROOT);
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
      for (Subject subject : subjects(folder)) {
        for (EngineKind kind : engines.kinds()) {
          Verdict verdict = verify(subject, kind);
          verdicts.add(verdict);
          if (!output.isJson()) {
            print(out, verdict);
          }
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

  /// All model files with recorded calls in a folder, or in the folders below one that has none.
  private static List<Subject> subjects(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException("there is no folder " + folder
          + "; give one with model.pt2 and manifest.json, or with a checkpoint and " + DecoderGolden.TENSORS);
    }
    var subjects = new ArrayList<>(own(folder));
    if (subjects.isEmpty()) {
      try (var below = Files.walk(folder)) {
        below.filter(Files::isDirectory).sorted().forEach(f -> subjects.addAll(own(f)));
      } catch (IOException | UncheckedIOException e) {
        throw new InvalidInputException("cannot read the folder " + folder + ": " + e.getMessage(), e);
      }
    }
    if (subjects.isEmpty()) {
      throw new InvalidInputException("neither the folder " + folder + " nor any below it holds a model*.pt2 or"
          + " model*.dsp to verify, nor a " + DecoderGolden.TENSORS + " beside a checkpoint");
    }
    return subjects;
  }

  private static List<Subject> own(Path folder) {
    if (hasRecording(folder) && Files.exists(folder.resolve("config.json"))) {
      return List.of(new Subject(folder, folder));
    }
    try (var files = Files.list(folder)) {
      boolean gguf = hasRecording(folder);
      return files.filter(f -> gguf ? f.toString().endsWith(".gguf") : isModel(f)).sorted()
          .map(f -> new Subject(folder, f)).toList();
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

  /// One bad file must not hide what the others do, nor a mistake of ours.
  private Verdict verify(Subject subject, EngineKind kind) {
    Path file = subject.file;
    try {
      LoadOptions options = common.load(output.err());
      List<? extends Report> steps = hasRecording(subject.folder)
          ? CheckpointReplay.run(kind, file, subject.folder, options, logits)
          : FileReplay.run(kind, subject.folder, file, options);
      return new Verdict(file, kind, steps.stream().allMatch(Report::passed), "", steps);
    } catch (InvalidInputException | MalformedModelException | UnsupportedModelException e) {
      return new Verdict(file, kind, false, String.valueOf(e.getMessage()), List.of());
    } catch (RuntimeException e) {
      if (main != null && main.isVerbose()) {
        e.printStackTrace(output.err());
      }
      return new Verdict(file, kind, false, "internal error, please report it: " + e, List.of());
    }
  }

  private void print(PrintWriter out, Verdict verdict) {
    String engine = engines == Engines.BOTH ? " (" + verdict.engineText() + ")" : "";
    out.println(verdict.file + engine + ": " + verdict.word() + (verdict.error.isEmpty() ? "" : ": " + verdict.error));
    verdict.steps.forEach(s -> out.println("  " + s));
    out.flush();
  }

  private static void summary(PrintWriter out, List<Verdict> verdicts, long failed) {
    int width = verdicts.stream().mapToInt(v -> v.file.toString().length()).max().orElse(0);
    String row = "%-" + width + "s  %-9s  %5s  %13s  %s%n";
    out.println();
    out.printf(Locale.ROOT, row, "file", "engine", "calls", "largest error", "verdict");
    for (Verdict v : verdicts) {
      String error = v.steps.isEmpty() ? "-" : String.format(Locale.ROOT, "%.2e", v.largest());
      out.printf(Locale.ROOT, row, v.file, v.engineText(), v.steps.size(), error, v.word());
    }
    long files = verdicts.stream().map(Verdict::file).distinct().count();
    out.printf(Locale.ROOT, "%d of %d comparisons ok, %d files%n", verdicts.size() - failed, verdicts.size(), files);
  }

  private static Map<String, Object> entry(Verdict v) {
    var entry = new LinkedHashMap<String, Object>();
    entry.put("file", v.file.toString());
    entry.put("engine", v.engineText());
    entry.put("passed", v.passed);
    entry.put("error", v.error);
    entry.put("largest_error", v.largest());
    entry.put("steps", v.steps.stream().map(Report::json).toList());
    return entry;
  }
}
