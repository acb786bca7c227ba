package dev.deepstack.testkit;

import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// Random test data from a seed, so that every failure can be replayed.
///
/// ```java
/// Gen.forSeeds(200, gen -> {
///   long[] shape = gen.lengths(gen.intIn(0, 4), 9);
///   ...
/// });
/// ```
public final class Gen {
  private static final List<Long> INTERESTING_LENGTHS = List.of(0L, 1L, 2L, 3L, 7L, 8L, 13L, 16L, 17L);

  private final RandomGenerator random;

  private Gen(long seed) {
    this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /// The generator of one seed.
  public static Gen of(long seed) {
    return new Gen(seed);
  }

  /// Runs `property` for the seeds `0 .. count - 1`, or only for the one given by `-Dseed=N`.
  ///
  /// @throws AssertionError when the property fails for a seed; it names the seed, and the failure is its cause
  public static void forSeeds(int count, Consumer<Gen> property) {
    var replay = Long.getLong("seed");
    long first = replay == null ? 0 : replay;
    long last = replay == null ? count - 1L : replay;
    for (long seed = first; seed <= last; seed++) {
      try {
        property.accept(new Gen(seed));
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("fails for seed " + seed + " (replay: -Dseed=" + seed + "): " + e.getMessage(), e);
      }
    }
  }

  /// Between `low` and `high`, both included.
  public int intIn(int low, int high) {
    return Math.toIntExact(random.nextLong(low, high + 1L));
  }

  /// Between `low` and `high`, both included.
  public long longIn(long low, long high) {
    if (high < Long.MAX_VALUE) {
      return random.nextLong(low, high + 1);
    }
    return low > Long.MIN_VALUE ? random.nextLong(low - 1, high) + 1 : random.nextLong();
  }

  /// Between `low` (included) and `high` (excluded).
  public double doubleIn(double low, double high) {
    return random.nextDouble(low, high);
  }

  /// True in half of the cases.
  public boolean coin() {
    return random.nextBoolean();
  }

  /// True with the given probability.
  public boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  /// One of the choices, which must not be empty.
  public <T> T pick(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  /// A length of an axis: mostly the ones where loops go wrong (0, 1, just around a vector), never above `max`.
  public long length(long max) {
    long length = chance(0.7) ? pick(INTERESTING_LENGTHS) : longIn(0, max);
    return Math.min(length, max);
  }

  /// `rank` lengths, each as [#length] but at least 1.
  public long[] lengths(int rank, long max) {
    var lengths = new long[rank];
    for (int i = 0; i < rank; i++) {
      lengths[i] = Math.max(1, length(max));
    }
    return lengths;
  }

  /// `count` normally distributed numbers with standard deviation 1.
  public float[] floats(int count) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /// `count` numbers between `low` and `high`, both included.
  public long[] longs(int count, long low, long high) {
    var values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = longIn(low, high);
    }
    return values;
  }

  /// `count` random bytes.
  public byte[] bytes(int count) {
    var bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  /// A new array with the numbers `0 .. count - 1` in random order.
  public int[] permutation(int count) {
    var order = new int[count];
    for (int i = 0; i < count; i++) {
      int j = intIn(0, i);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
}
