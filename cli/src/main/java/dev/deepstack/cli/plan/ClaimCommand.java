package dev.deepstack.cli.plan;

import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.report.Claims;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Checks claims.
@Command(name = "claim", mixinStandardHelpOptions = true,
    description = "Says what evidence there is for claims in the news, and at which price they would hold.")
final class ClaimCommand implements Callable<Integer> {
  @Parameters(paramLabel = "ID", arity = "0..1", defaultValue = "", description = "Only this claim.")
  private String id = "";

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() {
    List<Claims.Claim> claims = Claims.check(id, Catalog.standard(), DeviceCatalog.standard(), Calibration.standard());
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JsonMapper.shared().writeValueAsString(java.util.Map.of("claims", claims)));
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
