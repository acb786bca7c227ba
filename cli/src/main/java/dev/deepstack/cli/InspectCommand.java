package dev.deepstack.cli;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.cli.output.Output;
import dev.deepstack.cli.page.InspectPage;
import dev.deepstack.cli.page.Page;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.ir.Graph;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.program.ProgramFile;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Looks into a model.
@Command(name = "inspect", mixinStandardHelpOptions = true,
    description = "Shows a model's signature, kernels, parameters and memory; with --ir its graph before and after "
        + "the passes, with --html a page with graph, kernels, their time and the memory plan.")
final class InspectCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "demo, a .pt2 or .dsp file, or a folder with one.")
  private String model = "";

  @Option(names = "--ir", description = "Print the graph before and after the passes.")
  private boolean ir;

  @Option(names = "--html", paramLabel = "FILE",
      description = "Profile a .pt2 file and write one page about it that needs nothing else.")
  private @Nullable Path html;

  @Mixin
  private ProfileMixin profile = new ProfileMixin();

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    PrintWriter out = output.out();
    Path path = Models.find(model);
    if (ir) {
      graphs(out, path);
      return 0;
    }
    if (html != null) {
      Path file = pt2(path);
      Page.write(html, InspectPage.of(file.toString(), profile.run(file, common, output.err())));
      out.println("wrote " + html);
      return 0;
    }
    try (CompiledModel compiled = compiled(path)) {
      if (output.isJson()) {
        output.print(report(compiled));
      } else {
        print(out, compiled);
      }
    }
    return 0;
  }

  private CompiledModel compiled(Path path) {
    LoadOptions options = common.load(output.err());
    return path.toString().endsWith(".dsp") ? ProgramFile.read(path) : Model.compile(path, options);
  }

  private void graphs(PrintWriter out, Path path) {
    Path file = pt2(path);
    try (Arena arena = Arena.ofShared()) {
      Graph before = Pt2Importer.read(file, arena).graph();
      Graph after = Pipeline.standard().run(before);
      if (output.isJson()) {
        output.print(Map.of("before", before.toString(), "after", after.toString()));
      } else {
        out.println("// as imported: " + before.values().size() + " values");
        out.println(before);
        out.println("// after the passes: " + after.values().size() + " values");
        out.println(after);
      }
    }
  }

  private static Path pt2(Path path) {
    Path file = Files.isDirectory(path) ? pt2In(path) : path;
    if (!file.toString().endsWith(".pt2")) {
      throw new InvalidInputException("only a .pt2 has a graph to show, which " + file + " is not");
    }
    return file;
  }

  private static Path pt2In(Path folder) {
    try (var files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(".pt2")).sorted().findFirst().orElseThrow(
          () -> new InvalidInputException("the folder " + folder + " holds no .pt2 file"));
    } catch (IOException e) {
      throw new InvalidInputException("cannot read the folder " + folder + ": " + e.getMessage(), e);
    }
  }

  private static Map<String, Object> report(CompiledModel compiled) {
    Program program = compiled.general();
    var report = new LinkedHashMap<String, Object>();
    report.put("inputs", ports(program.inputs()));
    report.put("results", ports(program.results()));
    report.put("states", ports(program.states()));
    var symbols = new LinkedHashMap<String, Object>();
    program.symbols().forEach((s, r) -> symbols.put(s, List.of(r.min(), r.max())));
    report.put("symbols", symbols);
    report.put("context", compiled.context());
    report.put("weight_bytes", weightBytes(program));
    report.put("state_bytes", stateBytes(program));
    report.put("arena_bytes_min", arenaBytes(program, false));
    report.put("arena_bytes_max", arenaBytes(program, true));
    report.put("code_bytes", compiled.programs().stream().mapToLong(p -> p.object().length).sum());
    report.put("cpu", program.cpu());
    report.put("programs", compiled.programs().size());
    report.put("kernels", kinds(program));
    report.put("interpreted", interpreted(program));
    return report;
  }

  private static Map<String, String> ports(List<Port> ports) {
    var map = new LinkedHashMap<String, String>();
    ports.forEach(p -> map.put(p.name(), p.type().toString()));
    return map;
  }

  private static Map<String, Integer> kinds(Program program) {
    var kinds = new TreeMap<String, Integer>();
    program.kernels().forEach(k -> kinds.merge(k.kind(), 1, Integer::sum));
    return kinds;
  }

  /// Kernels that no native function does, by what they compute. There are none: what cannot be compiled is refused.
  private static List<String> interpreted(Program program) {
    return program.kernels().stream().filter(k -> k.function().isEmpty()).map(Program.KernelInfo::note).toList();
  }

  private static long weightBytes(Program program) {
    long bytes = 0;
    for (WeightRecipe r : program.weights()) {
      bytes += r.groups() * r.rows() * r.columns() * r.dtype().bytes();
    }
    return bytes;
  }

  private static long stateBytes(Program program) {
    return program.states().stream().mapToLong(
        p -> p.type().shape().elements().constant() * p.type().dtype().bytes()).sum();
  }

  /// Bytes of activations at the smallest or the largest sizes; -1 where a size has no bound.
  private static long arenaBytes(Program program, boolean largest) {
    var sizes = new HashMap<String, Long>();
    for (var symbol : program.symbols().entrySet()) {
      if (largest && !symbol.getValue().isBounded()) {
        return -1;
      }
      sizes.put(symbol.getKey(), largest ? symbol.getValue().max() : Math.max(1, symbol.getValue().min()));
    }
    sizes.put(Program.THREADS, (long) Runtime.getRuntime().availableProcessors());
    long bytes = 0;
    for (List<Dim> slot : program.slots()) {
      bytes += slot.stream().mapToLong(d -> d.evaluate(sizes)).max().orElse(0);
    }
    return bytes;
  }

  private static void print(PrintWriter out, CompiledModel compiled) {
    Program program = compiled.general();
    print(out, "inputs", program.inputs());
    print(out, "results", program.results());
    print(out, "states", program.states());
    program.symbols().forEach((s, r) -> out.println(
        "symbol   " + s + " from " + r.min() + (r.isBounded() ? " to " + r.max() : "")));
    if (compiled.context() > 0) {
      out.println("context  " + compiled.context() + " tokens");
    }
    long most = arenaBytes(program, true);
    out.printf(Locale.ROOT, "memory   weights %.2f MB, states %.2f MB, activations %.2f MB%s%n",
        weightBytes(program) / 1e6, stateBytes(program) / 1e6, arenaBytes(program, false) / 1e6,
        most < 0 ? " and more" : String.format(Locale.ROOT, " to %.2f MB", most / 1e6));
    for (Program p : compiled.programs()) {
      var parts = new ArrayList<String>();
      kinds(p).forEach((kind, count) -> parts.add(count + " " + kind));
      out.printf(Locale.ROOT, "program  %d kernels for %s, %.1f KB of code: %s%n", p.kernels().size(), p.cpu(),
          p.object().length / 1e3, String.join(", ", parts));
      List<String> interpreted = interpreted(p);
      out.println("native   " + (p.kernels().size() - interpreted.size()) + " of " + p.kernels().size()
          + " kernels" + (interpreted.isEmpty() ? "" : "; interpreted: " + String.join("; ", interpreted)));
    }
  }

  private static void print(PrintWriter out, String title, List<Port> ports) {
    String head = String.format(Locale.ROOT, "%-8s ", title);
    for (Port port : ports) {
      out.println(head + port.name() + " " + port.type());
      head = " ".repeat(9);
    }
  }
}
