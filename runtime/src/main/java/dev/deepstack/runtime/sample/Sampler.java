package dev.deepstack.runtime.sample;

import dev.deepstack.tensor.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/// Chooses tokens one after the other. A logit of minus infinity or NaN is never chosen; of equal logits the
/// lowest id counts as the more likely. For one sequence and one thread; allocates only when the vocabulary
/// grows.
public final class Sampler {
  private final SamplingOptions options;
  private final Random random;
  private final Candidates candidates = new Candidates();
  private float[] copy = new float[0];
  private double[] weights = new double[0];
  private boolean[] seen = new boolean[0];

  public Sampler(SamplingOptions options) {
    this.options = options;
    this.random = new Random(options.seed());
  }

  /// The next token, from its logits as native little-endian floats, one for each id.
  ///
  /// @throws InvalidInputException if no token can be chosen
  public int sample(MemorySegment logits) {
    return sample(logits, new int[0], 0);
  }

  /// The next token, from its logits as native little-endian floats, one for each id.
  ///
  /// @param before tokens that occurred already, of which the first `beforeCount` count
  /// @throws InvalidInputException if no token can be chosen
  public int sample(MemorySegment logits, int[] before, int beforeCount) {
    if (logits.byteSize() % Float.BYTES != 0 || logits.byteSize() / Float.BYTES > Integer.MAX_VALUE) {
      throw new InvalidInputException("logits must be floats, not " + logits.byteSize() + " bytes");
    }
    int count = (int) (logits.byteSize() / Float.BYTES);
    if (copy.length < count) {
      copy = new float[count];
    }
    MemorySegment.copy(logits, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, copy, 0, count);
    if (options.repetitionPenalty() != 1) {
      penalise(before, beforeCount, count);
    }
    return sample(copy, count);
  }

  /// Each token once, however often it occurred.
  private void penalise(int[] before, int beforeCount, int count) {
    if (seen.length < count) {
      seen = new boolean[count];
    }
    float penalty = (float) options.repetitionPenalty();
    for (int i = 0; i < beforeCount; i++) {
      int id = before[i];
      if (id < count && !seen[id]) {
        seen[id] = true;
        copy[id] = copy[id] > 0 ? copy[id] / penalty : copy[id] * penalty;
      }
    }
    for (int i = 0; i < beforeCount; i++) {
      if (before[i] < count) {
        seen[before[i]] = false;
      }
    }
  }

  /// The next token, from its logits, one for each id.
  ///
  /// @throws InvalidInputException if no token can be chosen
  public int sample(float[] logits) {
    return sample(logits, logits.length);
  }

  private int sample(float[] logits, int count) {
    int best = best(logits, count);
    if (options.isGreedy() || logits[best] == Float.POSITIVE_INFINITY) {
      return best;
    }
    if (weights.length < count) {
      weights = new double[count];
    }
    boolean filtered = (options.topK() > 0 && options.topK() < count) || options.topP() < 1
        || options.minP() > 0;
    return filtered ? drawFiltered(logits, count, logits[best]) : drawAny(logits, count, logits[best]);
  }

  private static int best(float[] logits, int count) {
    int best = -1;
    float largest = Float.NEGATIVE_INFINITY;
    boolean numbers = false;
    for (int id = 0; id < count; id++) {
      numbers |= !Float.isNaN(logits[id]);
      if (logits[id] > largest) {
        largest = logits[id];
        best = id;
      }
    }
    if (best < 0) {
      var problem = count == 0 ? "there are none" : numbers ? "all are minus infinity" : "all are NaN";
      throw new InvalidInputException("no token can be chosen from the logits: " + problem);
    }
    return best;
  }

  /// A token's share relative to the most likely one's; 0 for NaN.
  private double weight(float logit, float largest) {
    double weight = Math.exp(((double) logit - largest) / options.temperature());
    return weight > 0 ? weight : 0;
  }

  private int drawAny(float[] logits, int count, float largest) {
    double total = 0;
    for (int id = 0; id < count; id++) {
      weights[id] = weight(logits[id], largest);
      total += weights[id];
    }
    return draw(count, total);
  }

  private int drawFiltered(float[] logits, int count, float largest) {
    double total = 0;
    candidates.clear(count);
    for (int id = 0; id < count; id++) {
      double weight = weight(logits[id], largest);
      if (weight > 0) {
        candidates.add(logits[id], id);
        total += weight;
      }
    }
    candidates.order();
    int limit = candidates.size();
    if (options.topK() > 0 && options.topK() < limit) {
      limit = options.topK();
      total = 0;
      for (int index = 0; index < limit; index++) {
        total += weight(logits[candidates.get(index)], largest);
      }
    }
    double kept = 0;
    int index = 0;
    do {
      weights[index] = weight(logits[candidates.get(index)], largest);
      kept += weights[index++];
    } while (index < limit && (options.topP() == 1 || kept < options.topP() * total)
        && weight(logits[candidates.get(index)], largest) >= options.minP());
    return candidates.get(draw(index, kept));
  }

  /// An index below `count`, each as likely as its weight.
  private int draw(int count, double total) {
    double target = random.nextDouble() * total;
    int last = 0;
    for (int index = 0; index < count; index++) {
      if (weights[index] > 0) {
        target -= weights[index];
        last = index;
        if (target < 0) {
          return index;
        }
      }
    }
    return last; // rounding left a little over
  }
}
