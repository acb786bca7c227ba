package dev.deepstack.cli.bench;

import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.Generator;
import dev.deepstack.api.Together;
import dev.deepstack.cli.bench.ReadBandwidth.Probe;
import dev.deepstack.runtime.memory.MachineMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// How fast a language model reads prompts and writes answers, beside how fast memory can be read, both in turns.
public final class ModelBench {
  private static final long PROBE_BYTES = 256L << 20;
  private static final int PROBE_ROUNDS = 2;
  private static final int STEPS_BETWEEN = 4;

  private final Generator generator;
  private final int threads;
  private final int genTokens;
  private final int repeats;
  private final List<Double> bandwidths = new ArrayList<>();
  private @Nullable Probe probe;
  private long peakBytes;
  private long measured;

  /// One line of the result; speeds are medians of the repetitions.
  ///
  /// @param share of the time in which memory as fast as it was just before and after some steps can be read once
  public record Row(
      int batch, int promptTokens, double prefill, double decode, double bytesPerToken, double share) {}

  /// All lines.
  ///
  /// @param bandwidth bytes per second, the median of all measurements
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
      json.put("roofline_share", rounded(row.share, 4));
      return json;
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
            row.prefill, row.decode, row.bytesPerToken / 1e6, 100 * row.share));
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
    try (var reading = ReadBandwidth.probe(threads, PROBE_BYTES)) {
      probe = reading;
      return rows(batches, prompts, loadSeconds, progress);
    }
  }

  private Result rows(List<Integer> batches, List<Integer> prompts, double loadSeconds, Consumer<String> progress) {
    var rows = new ArrayList<Row>();
    // The first steps find code and data cold.
    measure(batches.getFirst(), Math.min(prompts.getFirst(), 16), Math.min(genTokens, 4), _ -> {});
    for (int batch : batches) {
      for (int prompt : prompts) {
        progress.accept("measuring batch " + batch + ", " + prompt + " prompt tokens");
        rows.add(row(batch, prompt));
      }
    }
    return new Result(median(bandwidths), rows, loadSeconds, peakBytes);
  }

  private Row row(int batch, int promptTokens) {
    double bytes = generator.bytesPerToken(batch, promptTokens + genTokens / 2L);
    var runs = new ArrayList<Together>();
    var shares = new ArrayList<Double>();
    for (int i = 0; i < repeats; i++) {
      var watch = new Watch(bytes * batch);
      runs.add(measure(batch, promptTokens, genTokens, watch));
      shares.addAll(watch.shares);
      peakBytes = Math.max(peakBytes, MachineMemory.now() - PROBE_BYTES);
    }
    double decode = median(runs, Together::decodeTokensPerSecond);
    double share = shares.isEmpty() ? decode * bytes / bandwidth() : median(shares);
    return new Row(batch, promptTokens, median(runs, Together::prefillTokensPerSecond), decode, bytes, share);
  }

  /// Measures the bandwidth between a few steps, since memory changes its speed in the middle of an answer.
  private final class Watch implements LongConsumer {
    private final double bytesPerStep;
    private final List<Double> shares = new ArrayList<>();
    private final List<Double> steps = new ArrayList<>();
    private double before = bandwidth();

    Watch(double bytesPerStep) {
      this.bytesPerStep = bytesPerStep;
    }

    @Override
    public void accept(long nanos) {
      steps.add(nanos * 1e-9);
      if (steps.size() == STEPS_BETWEEN) {
        double after = bandwidth();
        shares.add(bytesPerStep / median(steps) / ((before + after) / 2));
        before = after;
        steps.clear();
      }
    }
  }

  private double bandwidth() {
    double found = Objects.requireNonNull(probe).measure(PROBE_ROUNDS);
    bandwidths.add(found);
    return found;
  }

  private Together measure(int batch, int promptTokens, int tokens, LongConsumer watch) {
    // New prompts each time: pages of caches that an earlier prompt filled would be taken over.
    var random = new Random(++measured);
    var prompts = new ArrayList<int[]>();
    for (int i = 0; i < batch; i++) {
      prompts.add(random.ints(promptTokens, 0, generator.vocabulary()).toArray());
    }
    return generator.together(prompts, GenerationOptions.greedy(tokens).withoutEnd(), watch);
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
