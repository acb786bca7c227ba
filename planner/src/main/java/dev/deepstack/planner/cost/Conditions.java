package dev.deepstack.planner.cost;

/// What surrounds the arithmetic of a step.
///
/// @param served whether requests arrive over a server, or an offline loop turns
/// @param balanced whether every expert gets the same load
/// @param overlap whether two halves of a batch hide each other's exchange
/// @param drafts tokens drafted per step
/// @param accepted drafted tokens that are kept per step, on average
/// @param hostBandwidth bytes per second of a host that holds the routed experts; 0 where the device holds them
/// @param hostVector whether a host multiplies with vector instead of matrix instructions
/// @param young whether the software is new to the device or the model
public record Conditions(boolean served, boolean balanced, boolean overlap, int drafts, double accepted,
    double hostBandwidth, boolean hostVector, boolean young) {
  /// A mature server without speculation.
  public static final Conditions SERVED = new Conditions(true, false, false, 0, 0, 0, false, false);

  /// Tokens that a step yields for each request.
  public double tokensPerStep() {
    return 1 + (drafts > 0 ? accepted : 0);
  }

  /// The same with other speculation.
  public Conditions drafting(int tokens, double kept) {
    return new Conditions(served, balanced, overlap, tokens, kept, hostBandwidth, hostVector, young);
  }

  /// The same without speculation.
  public Conditions plain() {
    return drafting(0, 0);
  }
}
