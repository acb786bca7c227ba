package dev.deepstack.cli.verify;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Compares a decoder with what it is known to give: the prompt in one piece, token by token and split at several
/// points, beside another sequence in the same step, and the greedy continuation.
public final class DecoderReplay {
  /// What one way of feeding the prompt gave.
  public record Check(String what, double error, List<String> failures) implements Report {
    @Override
    public Map<String, Object> json() {
      var json = new LinkedHashMap<String, Object>();
      json.put("check", what);
      json.put("largest_error", error);
      json.put("failures", failures);
      return json;
    }

    @Override
    public String toString() {
      String head = String.format(Locale.ROOT, "%s: largest error %.3g", what, error);
      return passed() ? head : head + "\n  " + String.join("\n  ", failures);
    }
  }

  private final Engine engine;
  private final DecoderGolden golden;
  private final int pageSlots;

  public DecoderReplay(Engine engine, DecoderGolden golden, int pageSlots) {
    this.engine = engine;
    this.golden = golden;
    this.pageSlots = pageSlots;
  }

  /// Cache slots that the checks need.
  public static long slots(DecoderGolden golden, int pageSlots) {
    return 2 * Math.ceilDiv(golden.tokens(), pageSlots) * pageSlots;
  }

  /// Runs all checks.
  public List<Check> run() {
    int n = golden.prompt().length;
    var checks = new ArrayList<Check>();
    checks.add(pieces("prompt in one piece", n));
    var ones = new int[n];
    Arrays.fill(ones, 1);
    checks.add(pieces("token by token", ones));
    if (n > 1) {
      checks.add(pieces("split after 1", 1, n - 1));
      checks.add(pieces("split before the last", n - 1, 1));
    }
    if (n > 3) {
      checks.add(pieces("split in the middle", n / 2, n - n / 2));
      checks.add(pieces("split at " + n / 3 + " and " + 2 * n / 3, n / 3, 2 * n / 3 - n / 3, n - 2 * n / 3));
      checks.add(together());
    }
    checks.add(greedy());
    return checks;
  }

  /// The prompt in one piece for arithmetic that is coarser than the recorded one: the largest error may be half the
  /// spread of the logits, since a router's close choice may fall otherwise.
  public Check nearby(String what) {
    HostTensor logits = driver(1).append(golden.prompt());
    double allowed = spread(golden.logits()) / 2;
    var failures = new ArrayList<String>();
    Difference difference = Difference.between(logits, golden.logits(), allowed, 0);
    if (difference.excess() > 1) {
      failures.add(what + ": " + difference.text());
    }
    return new Check(what, difference.error(), failures);
  }

  /// Logits of the prompt's tokens computed one after another, as generation does it: `f32[n,vocab]`.
  public HostTensor logits() {
    long vocab = golden.logits().shape()[1];
    HostTensor all = HostTensor.zeros(DType.F32, golden.prompt().length, vocab);
    DecoderDriver driver = driver(1);
    for (int i = 0; i < golden.prompt().length; i++) {
      long bytes = vocab * Float.BYTES;
      MemorySegment.copy(driver.append(golden.prompt()[i]).data(), 0, all.data(), i * bytes, bytes);
    }
    return all;
  }

  /// Standard deviation.
  private static double spread(HostTensor tensor) {
    double sum = 0;
    double squares = 0;
    for (long i = 0; i < tensor.elements(); i++) {
      sum += tensor.getDouble(i);
      squares += tensor.getDouble(i) * tensor.getDouble(i);
    }
    double mean = sum / tensor.elements();
    return Math.sqrt(Math.max(0, squares / tensor.elements() - mean * mean));
  }

  private DecoderDriver driver(int sequences) {
    return new DecoderDriver(engine, sequences, pageSlots, slots(golden, pageSlots));
  }

  private Check pieces(String what, int... sizes) {
    DecoderDriver driver = driver(1);
    var failures = new ArrayList<String>();
    double error = 0;
    int at = 0;
    for (int size : sizes) {
      HostTensor logits = driver.append(Arrays.copyOfRange(golden.prompt(), at, at + size));
      error = Math.max(error, compare("tokens " + at + " to " + (at + size - 1), logits, 0, at, size, failures));
      at += size;
    }
    return new Check(what, error, failures);
  }

  /// The second half of the prompt beside a shorter copy of it.
  private Check together() {
    int half = golden.prompt().length / 2;
    int third = golden.prompt().length / 3;
    DecoderDriver driver = driver(2);
    var failures = new ArrayList<String>();
    long[] first = Arrays.copyOf(golden.prompt(), half);
    HostTensor logits = driver.append(List.of(first, Arrays.copyOf(golden.prompt(), third)));
    double error = compare("the first sequence", logits, 0, 0, half, failures);
    error = Math.max(error, compare("the second sequence", logits, half, 0, third, failures));
    long[] rest = Arrays.copyOfRange(golden.prompt(), half, golden.prompt().length);
    logits = driver.append(List.of(rest, new long[] {golden.prompt()[third]}));
    error = Math.max(error, compare("the first sequence's rest", logits, 0, half, rest.length, failures));
    error = Math.max(error, compare("the second sequence's next", logits, rest.length, third, 1, failures));
    return new Check("two sequences in a step", error, failures);
  }

  private Check greedy() {
    DecoderDriver driver = driver(1);
    var failures = new ArrayList<String>();
    HostTensor logits = driver.append(golden.prompt());
    for (int i = 0; i < golden.greedy().length; i++) {
      long best = best(logits);
      if (best != golden.greedy()[i]) {
        failures.add("greedy token " + i + " is " + best + ", not " + golden.greedy()[i]);
        break;
      }
      if (i + 1 < golden.greedy().length) {
        logits = driver.append(best);
      }
    }
    return new Check("greedy continuation of " + golden.greedy().length + " tokens", 0, failures);
  }

  /// The best token after the last row.
  private static long best(HostTensor logits) {
    long vocab = logits.shape()[1];
    long row = (logits.shape()[0] - 1) * vocab;
    long best = 0;
    for (long i = 1; i < vocab; i++) {
      if (logits.getDouble(row + i) > logits.getDouble(row + best)) {
        best = i;
      }
    }
    return best;
  }

  private double compare(String what, HostTensor logits, int row, int expectedRow, int rows, List<String> failures) {
    Difference difference = Difference.between(rows(logits, row, rows), rows(golden.logits(), expectedRow, rows),
        golden.atol(), golden.rtol());
    if (difference.excess() > 1) {
      failures.add(what + ": " + difference.text());
    }
    return difference.error();
  }

  private static HostTensor rows(HostTensor logits, int first, int count) {
    long vocab = logits.shape()[1];
    MemorySegment data = logits.data().asSlice(first * vocab * Float.BYTES, count * vocab * Float.BYTES);
    return new HostTensor(DType.F32, new long[] {count, vocab}, data);
  }
}
