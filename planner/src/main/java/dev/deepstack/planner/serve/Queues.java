package dev.deepstack.planner.serve;

/// Waiting in front of equal servers.
public final class Queues {
  private Queues() {}

  /// Probability that an arrival waits at `servers` servers under an offered load of `erlangs` (Erlang's C).
  public static double waits(double erlangs, int servers) {
    if (erlangs >= servers) {
      return 1;
    }
    double inverse = 1;
    for (int i = 1; i <= servers; i++) {
      inverse = 1 + inverse * i / Math.max(erlangs, 1e-300);
    }
    double blocked = 1 / inverse;
    return blocked / (1 - erlangs / servers * (1 - blocked));
  }

  /// Mean wait by Allen and Cunneen; infinite from load 1 on.
  ///
  /// @param rate arrivals per second
  /// @param service seconds per request
  /// @param ca2 squared coefficient of variation of the times between arrivals
  /// @param cs2 the same of the service
  public static double wait(double rate, double service, int servers, double ca2, double cs2) {
    double erlangs = rate * service;
    if (erlangs >= servers) {
      return Double.POSITIVE_INFINITY;
    }
    return (ca2 + cs2) / 2 * waits(erlangs, servers) * service / (servers - erlangs);
  }
}
