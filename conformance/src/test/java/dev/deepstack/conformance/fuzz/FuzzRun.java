package dev.deepstack.conformance.fuzz;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Fuzzes targets one after another, each for some seconds, in a process of its own; `./mvnw -Pfuzz` calls it. What is
/// found lies in `target/fuzz`, and a line for each target in `target/fuzz/report.txt`.
public final class FuzzRun {
  private static final Path FOLDER = Path.of("target/fuzz");
  private static final Pattern PROGRESS = Pattern.compile("#(\\d+)\\s+\\w+\\s+cov: (\\d+) ft: (\\d+) corp: (\\d+)/.*");
  private static final int INPUT_BYTES_MAX = 64 << 10;
  /// The oracle counts processor time; this is for what never ends.
  private static final int SECONDS_PER_INPUT = 300;

  private FuzzRun() {}

  /// @param args the seconds for each target, then targets or `all`
  public static void main(String[] args) throws IOException, InterruptedException {
    int seconds = Integer.parseInt(args[0]);
    var targets = new ArrayList<Target>();
    for (String name : args[1].split(",")) {
      targets.addAll(name.equals("all") ? List.of(Target.values())
          : List.of(Target.valueOf(name.toUpperCase(Locale.ROOT))));
    }
    boolean clean = true;
    for (Target target : targets) {
      clean &= fuzz(target, seconds);
    }
    System.exit(clean ? 0 : 1);
  }

  /// Whether nothing was found.
  private static boolean fuzz(Target target, int seconds) throws IOException, InterruptedException {
    Path folder = Files.createDirectories(FOLDER.resolve(target.folder())).toAbsolutePath();
    Path corpus = Files.createDirectories(folder.resolve("corpus"));
    Path seeds = Files.createDirectories(folder.resolve("seeds"));
    int count = 0;
    for (byte[] seed : Seeds.of(target)) {
      Files.write(seeds.resolve("seed-" + count++), seed);
    }
    Path dictionary = dictionary(target, folder);
    var command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx1200m", "-XX:+UseSerialGC",
        "-XX:+EnableDynamicAgentLoading", "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
        "-Dfuzz.target=" + target, "-cp", System.getProperty("java.class.path"),
        "com.code_intelligence.jazzer.Jazzer", "--target_class=" + Fuzzed.class.getName(),
        // Patterns in a tokenizer.json are patterns; what they cost is counted.
        "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.RegexInjection",
        "--instrumentation_includes=dev.deepstack.**", "--custom_hook_includes=dev.deepstack.**",
        "--reproducer_path=" + folder, "-artifact_prefix=" + folder + "/", "-max_total_time=" + seconds,
        "-timeout=" + SECONDS_PER_INPUT, "-max_len=" + INPUT_BYTES_MAX, "-use_value_profile=1", "-rss_limit_mb=4096",
        "-print_final_stats=1"));
    if (dictionary != null) {
      command.add("-dict=" + dictionary);
    }
    command.add(corpus.toString());
    command.add(seeds.toString());
    long start = System.nanoTime();
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String last = "";
    String finding = "";
    try (var lines = process.inputReader(StandardCharsets.ISO_8859_1);
        var log = Files.newBufferedWriter(folder.resolve("log.txt"), StandardCharsets.ISO_8859_1)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        log.write(line + "\n");
        log.flush();
        last = PROGRESS.matcher(line).matches() ? line : last;
        finding = finding.isEmpty() && line.startsWith("== Java Exception") || line.startsWith("ERROR: libFuzzer")
            ? line : finding;
        if (line.startsWith("java.lang.AssertionError") || line.startsWith("Test unit written")) {
          finding += " " + line;
        }
      }
    }
    boolean clean = process.waitFor() == 0;
    report(target, (System.nanoTime() - start) / 60e9, last, clean ? "nothing found" : finding);
    return clean;
  }

  private static void report(Target target, double minutes, String last, String finding) throws IOException {
    var numbers = PROGRESS.matcher(last);
    String text = numbers.matches() ? String.format(Locale.ROOT,
        "%-12s %6.1f min, %s inputs, %s edges, %s features, %s kept: %s%n", target.folder(), minutes, numbers.group(1),
        numbers.group(2), numbers.group(3), numbers.group(4), finding)
        : String.format(Locale.ROOT, "%-12s %6.1f min: %s%n", target.folder(), minutes, finding);
    System.out.print(text);
    Files.writeString(FOLDER.resolve("report.txt"), text, java.nio.file.StandardOpenOption.CREATE,
        java.nio.file.StandardOpenOption.APPEND);
  }

  private static @Nullable Path dictionary(Target target, Path folder) throws IOException {
    List<String> words = Seeds.words(target);
    if (words.isEmpty()) {
      return null;
    }
    var text = new StringBuilder();
    for (String word : words) {
      text.append('"');
      for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
        text.append(b >= ' ' && b != '"' && b != '\\' ? String.valueOf((char) b)
            : "\\x" + HexFormat.of().withUpperCase().toHexDigits(b));
      }
      text.append("\"\n");
    }
    return Files.writeString(folder.resolve("words.dict"), text);
  }
}
