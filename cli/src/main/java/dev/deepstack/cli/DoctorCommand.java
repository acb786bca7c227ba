package dev.deepstack.cli;

import dev.deepstack.cli.bench.ReadBandwidth;
import dev.deepstack.cli.output.Output;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.program.code.CpuFeatures;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// Looks at the machine.
@Command(name = "doctor", mixinStandardHelpOptions = true,
    description = "Says what this machine is and which kernels will run on it, and measures its memory.")
final class DoctorCommand implements Callable<Integer> {
  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    PrintWriter out = output.out();
    Map<String, Object> facts = facts();
    if (output.isJson()) {
      output.print(facts);
    } else {
      facts.forEach((name, value) -> out.printf("%-16s %s%n", name.replace('_', ' '), value));
    }
    return "none".equals(facts.get("kernels")) ? Main.FAILED : 0;
  }

  private static Map<String, Object> facts() {
    CpuFeatures cpu = CpuFeatures.host();
    int processors = Runtime.getRuntime().availableProcessors();
    var facts = new LinkedHashMap<String, Object>();
    facts.put("java", Runtime.version() + " (" + System.getProperty("java.home") + ")");
    facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    facts.put("cpu", cpu.name());
    facts.put("processors", processors);
    String kernels = cpu.hasAvx512() ? "avx512" : cpu.hasAvx2() ? "avx2" : "none";
    facts.put("kernels", kernels);
    if (kernels.equals("none")) {
      facts.put("missing", String.join(", ", cpu.missing(CpuFeatures.X86_64_V3)));
    }
    facts.put("extensions", extensions(cpu));
    facts.put("llvm", llvm());
    facts.put("cache", cache());
    if (!kernels.equals("none")) {
      facts.put("read_gb_s_1", rounded(ReadBandwidth.measure(1)));
      facts.put("read_gb_s_" + processors, rounded(ReadBandwidth.measure(processors)));
    }
    return facts;
  }

  private static String extensions(CpuFeatures cpu) {
    List<String> there = new ArrayList<>(CpuFeatures.AVX512_EXTRAS);
    there.removeIf(f -> !cpu.features().contains(f));
    return there.isEmpty() ? "none" : String.join(" ", there);
  }

  private static double rounded(double bytesPerSecond) {
    return Math.round(bytesPerSecond / 1e8) / 10.0;
  }

  private static String llvm() {
    try {
      return LlvmCompiler.shared().version();
    } catch (UnsupportedModelException | LinkageError e) {
      return "not found, so only .dsp files run here (" + e.getMessage() + ")";
    }
  }

  private static String cache() {
    Path folder = ObjectCache.defaultFolder(System.getenv());
    var problem = new StringBuilder();
    ObjectCache.open(problem::append);
    if (!problem.isEmpty()) {
      return problem.toString();
    }
    try (var files = Files.walk(folder)) {
      long bytes = files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
      return String.format(Locale.ROOT, "%s, %.1f MB, in use", folder, bytes / 1e6);
    } catch (java.io.IOException e) {
      return folder + " cannot be read: " + e.getMessage();
    }
  }
}
