package dev.deepstack.planner.device;

import dev.deepstack.tensor.InvalidInputException;
import java.util.List;

/// How much each expert of a layer has to do.
///
/// @param tokens of each expert, in their order
/// @param spare slots for replicas of the busiest, in all
public record ExpertLoad(List<Double> tokens, int spare) {
  private static final int EXPERTS_MAX = 1 << 16;

  /// Copies the list.
  ///
  /// @throws InvalidInputException where a load is no number from 0 on
  public ExpertLoad {
    tokens = List.copyOf(tokens);
    if (tokens.isEmpty() || tokens.size() > EXPERTS_MAX || tokens.stream().anyMatch(t -> !(t >= 0 && t < 1e18))) {
      throw new InvalidInputException("the load of experts is a list of 1 to " + EXPERTS_MAX
          + " numbers from 0 on, the tokens of each");
    }
    if (spare < 0 || spare > EXPERTS_MAX) {
      throw new InvalidInputException("there cannot be " + spare + " spare slots for experts; take 0 to "
          + EXPERTS_MAX);
    }
  }

  /// The load of each expert.
  public double[] load() {
    return tokens.stream().mapToDouble(t -> t).toArray();
  }

  /// Where they are best placed on `ranks` ranks, `inner` of which share fast links.
  public Placement placed(int ranks, int inner) {
    int parts = Math.max(1, ranks / Math.max(1, inner));
    return Placement.best(load(), ranks, spare, ranks % parts == 0 ? parts : 1);
  }
}
