package dev.deepstack.planner.cost;

/// Seconds of one step by cause.
///
/// @param attentionWeights projections
/// @param attention reading the cache and the arithmetic on it
/// @param gather rows chosen one by one, and choosing them
/// @param experts routed experts
/// @param dense other MLPs, routers and the head
/// @param exchange data between devices that nothing hides
/// @param launch starting kernels
/// @param activations norms, conversions, residual streams
/// @param host server, sampling, scheduler
public record Terms(double attentionWeights, double attention, double gather, double experts, double dense,
    double exchange, double launch, double activations, double host) {
  /// The step's time.
  public double total() {
    return attentionWeights + attention + gather + experts + dense + exchange + launch + activations + host;
  }

  /// Sum.
  public Terms plus(Terms o) {
    return new Terms(attentionWeights + o.attentionWeights, attention + o.attention, gather + o.gather,
        experts + o.experts, dense + o.dense, exchange + o.exchange, launch + o.launch, activations + o.activations,
        host + o.host);
  }

  /// Multiple.
  public Terms times(double f) {
    return new Terms(attentionWeights * f, attention * f, gather * f, experts * f, dense * f, exchange * f,
        launch * f, activations * f, host * f);
  }

  /// Names of the causes, in order.
  public static String[] names() {
    return new String[] {"attention projections", "attention", "gathered rows", "routed experts",
        "other MLPs and head", "exchange", "kernel launches", "norms and activations", "host"};
  }

  /// The causes in order.
  public double[] values() {
    return new double[] {attentionWeights, attention, gather, experts, dense, exchange, launch, activations, host};
  }
}
