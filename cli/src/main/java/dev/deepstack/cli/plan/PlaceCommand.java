package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.device.Placement;
import dev.deepstack.tensor.InvalidInputException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Places experts.
@Command(name = "place", mixinStandardHelpOptions = true,
    description = "Shares experts out to ranks so that neither a rank nor a link is busier than it must be.")
final class PlaceCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FILE.json", description = "{\"load\": [tokens of each expert]}")
  private Path file = Path.of("");

  @Option(names = "--ranks", paramLabel = "N", required = true, description = "Ranks that hold experts.")
  private int ranks;

  @Option(names = "--spare", paramLabel = "N", defaultValue = "0", description = "Slots for replicas of busy experts.")
  private int spare;

  @Option(names = "--parts", paramLabel = "N", defaultValue = "1", description = "Equal parts of the ranks whose links "
      + "to each other are scarce, like boards.")
  private int parts;

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    if (parts < 1 || parts > Math.max(1, ranks)) {
      throw new InvalidInputException("--parts is from 1 to the number of ranks, " + ranks);
    }
    double[] load = GivenFiles.expertLoad(file, spare).load();
    Placement best = Placement.best(load, ranks, spare, parts);
    PrintWriter out = output.out();
    if (output.isJson()) {
      output.print(Map.of("ranks", best.ranks(), "worst_rank", best.worstRank(),
          "worst_link", best.worstLink()));
      return 0;
    }
    line(out, "in order", Placement.plain(load, ranks, parts));
    line(out, "at random", Placement.random(load, ranks, parts, 0));
    line(out, spare == 0 ? "placed" : "placed, " + spare + " replicas", best);
    for (int r = 0; r < best.ranks().size(); r++) {
      out.println("  rank " + r + ": experts " + best.ranks().get(r));
    }
    return 0;
  }

  private static void line(PrintWriter out, String name, Placement p) {
    out.printf(Locale.ROOT, "%-24s busiest rank %.2f times the mean, busiest part %.2f times%n", name, p.worstRank(),
        p.worstLink());
  }
}
