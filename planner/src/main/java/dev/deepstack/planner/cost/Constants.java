package dev.deepstack.planner.cost;

import java.util.List;
import java.util.Map;

/// What calibration may choose: eight numbers for all devices and two for each.
///
/// @param shared in the order of [Shared]
/// @param device factors on the time of launches and on the time of compute, by device
public record Constants(double[] shared, Map<String, double[]> device) {
  private static final double FIRST_PER_STEP = 50;

  /// The shared constants with the values they start from, which also pull them back.
  public enum Shared {
    /// Share of the memory bandwidth that streaming weights reaches.
    MEMORY(0, 0.78, 0.15),
    /// Share of the peak that large products reach.
    COMPUTE(1, 0.55, 0.25),
    /// Seconds per kernel that nothing hides.
    LAUNCH(2, 3.0e-6, 0.5),
    /// Seconds that each collective needs to start and to meet.
    SYNC(3, 9.0e-6, 0.5),
    /// Share of the memory bandwidth that gathered rows reach.
    GATHER(4, 0.25, 0.5),
    /// Seconds per step of a served engine beyond an offline loop.
    SERVED(5, 1.5e-3, 0.6),
    /// Share of the peak that products of training reach.
    TRAINING(6, 0.55, 0.25),
    /// Factor on waiting behind other prompts.
    QUEUE(7, 1.3, 0.5);

    /// In list order, which is the order of the array.
    private static final List<Shared> ALL = List.of(values());

    final int index;
    final double start;
    final double spread;

    Shared(int index, double start, double spread) {
      this.index = index;
      this.start = start;
      this.spread = spread;
    }

    /// All of them, each at its index.
    public static List<Shared> all() {
      return ALL;
    }

    /// Place in the array.
    public int index() {
      return index;
    }

    /// Where it starts from.
    public double start() {
      return start;
    }

    /// Standard deviation of its logarithm before anything was measured.
    public double spread() {
      return spread;
    }
  }

  /// Nothing calibrated.
  public static Constants prior() {
    double[] shared = new double[Shared.all().size()];
    for (Shared s : Shared.all()) {
      shared[s.index] = s.start;
    }
    return new Constants(shared, Map.of());
  }

  /// One of the shared ones.
  public double get(Shared s) {
    return shared[s.index];
  }

  /// Seconds before a first token that are neither queue nor compute: parsing, scheduling and sending.
  public double first() {
    return FIRST_PER_STEP * get(Shared.SERVED);
  }

  /// Factor on the launch time of a device.
  public double launch(String id) {
    double[] own = device.get(id);
    return own == null ? 1 : own[0];
  }

  /// Factor on the compute time of a device.
  public double compute(String id) {
    double[] own = device.get(id);
    return own == null ? 1 : own[1];
  }
}
