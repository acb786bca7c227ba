package dev.deepstack.cli.bench;

import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.Generator;
import dev.deepstack.api.Together;
import dev.deepstack.runtime.memory.MachineMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/// How fast a language model reads prompts and writes answers, beside how fast memory can be read, both in turns.
public final class ModelBench {
  private final Generator generator;
  private final int threads;
  private final int genTokens;
  private final int repeats;
  private final List<Double> bandwidths = new ArrayList<>();
  private long peakBytes;
  private long measured;

  /// One line of the result; speeds are medians of the repetitions.
  public record Row(int batch, int promptTokens, double prefill, double decode, double bytesPerToken) {}

  /// All lines.
  ///
  /// @param bandwidth bytes per second, the median of measurements between the rows
  /// @param peakBytes the most memory this process had, mapped files included, without what was read for `bandwidth`
  public record Result(double bandwidth, List<Row> rows, double loadSeconds, long peakBytes) {
    /// For machines.
    public Map<String, Object> json() {
      var json = new LinkedHashMap<String, Object>();
      json.put("read_gb_s", rounded(bandwidth / 1e9, 2));
      json.put("rows", rows.stream().map(this::json).toList());
      json.put("load_s", rounded(loadSeconds, 3));
      json.put("peak_rss_mb", rounded(peakBytes / 1e6, 1));
      return json;
    }

    private Map<String, Object> json(Row row) {
      var json = new LinkedHashMap<String, Object>();
      json.put("batch", row.batch);
      json.put("prompt_tokens", row.promptTokens);
      json.put("prefill_tok_s", rounded(row.prefill, 2));
      json.put("decode_tok_s", rounded(row.decode, 2));
      json.put("bytes_per_token", Math.round(row.bytesPerToken));
      json.put("roofline_share", rounded(share(row), 4));
      return json;
    }

    private double share(Row row) {
      return row.decode * row.bytesPerToken / bandwidth;
    }

    private static double rounded(double value, int digits) {
      double scale = Math.pow(10, digits);
      return Math.round(value * scale) / scale;
    }

    /// For people.
    public String table() {
      var text = new StringBuilder(String.format(Locale.ROOT,
          "memory is read at %.1f GB/s; loaded in %.2f s; at most %.0f MB of memory%n%n", bandwidth / 1e9, loadSeconds,
          peakBytes / 1e6));
      text.append(String.format("%6s %14s %15s %14s %15s %9s%n", "batch", "prompt tokens", "prefill tok/s",
          "decode tok/s", "MB per token", "roofline"));
      for (Row row : rows) {
        text.append(String.format(Locale.ROOT, "%6d %14d %15.1f %14.1f %15.2f %7.0f %%%n", row.batch, row.promptTokens,
            row.prefill, row.decode, row.bytesPerToken / 1e6, 100 * share(row)));
      }
      return text.toString();
    }
  }

  /// @param repeats of each row
  public ModelBench(Generator generator, int threads, int genTokens, int repeats) {
    this.generator = generator;
    this.threads = threads;
    this.genTokens = genTokens;
    this.repeats = repeats;
  }

  /// @param progress told what is being measured
  public Result run(List<Integer> batches, List<Integer> prompts, double loadSeconds, Consumer<String> progress) {
    peakBytes = MachineMemory.peak();
    var rows = new ArrayList<Row>();
    // The first steps find code and data cold.
    measure(batches.getFirst(), Math.min(prompts.getFirst(), 16), Math.min(genTokens, 4));
    for (int batch : batches) {
      for (int prompt : prompts) {
        progress.accept("measuring batch " + batch + ", " + prompt + " prompt tokens");
        rows.add(row(batch, prompt));
      }
    }
    return new Result(median(bandwidths), rows, loadSeconds, peakBytes);
  }

  private Row row(int batch, int promptTokens) {
    var runs = new ArrayList<Together>();
    for (int i = 0; i < repeats; i++) {
      runs.add(measure(batch, promptTokens, genTokens));
      peakBytes = Math.max(peakBytes, bandwidths.isEmpty() ? MachineMemory.peak() : MachineMemory.now());
      bandwidths.add(ReadBandwidth.measure(threads));
    }
    double bytes = generator.bytesPerToken(batch, promptTokens + genTokens / 2L);
    return new Row(batch, promptTokens, median(runs, Together::prefillTokensPerSecond),
        median(runs, Together::decodeTokensPerSecond), bytes);
  }

  private Together measure(int batch, int promptTokens, int tokens) {
    // New prompts each time: pages of caches that an earlier prompt filled would be taken over.
    var random = new Random(++measured);
    var prompts = new ArrayList<int[]>();
    for (int i = 0; i < batch; i++) {
      prompts.add(random.ints(promptTokens, 0, generator.vocabulary()).toArray());
    }
    return generator.together(prompts, GenerationOptions.greedy(tokens).withoutEnd());
  }

  private static double median(List<Together> runs, ToDoubleFunction<Together> what) {
    return median(runs.stream().map(what::applyAsDouble).toList());
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
