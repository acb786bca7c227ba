package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.report.Claims;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// Checks claims.
@Command(name = "claim", mixinStandardHelpOptions = true,
    description = "Says what evidence there is for claims in the news, and at which price they would hold.")
final class ClaimCommand implements Callable<Integer> {
  @Parameters(paramLabel = "ID", arity = "0..1", defaultValue = "", description = "Only this claim.")
  private String id = "";

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    List<Claims.Claim> claims = Claims.check(id, Catalog.standard(), DeviceCatalog.standard(), Calibration.standard());
    PrintWriter out = output.out();
    if (output.isJson()) {
      output.print(java.util.Map.of("claims", claims));
      return 0;
    }
    for (Claims.Claim c : claims) {
      out.println(c.id() + ": " + c.claim());
      out.println("  verdict: " + c.verdict());
      c.evidence().forEach(e -> out.println("  - " + e));
      c.computed().forEach(e -> out.println("  = " + e));
      out.println("  what would change this: " + c.change());
    }
    return 0;
  }
}
