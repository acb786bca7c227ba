package dev.deepstack.cli.plan;

import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.ModelShape;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Lists models.
@Command(name = "models", mixinStandardHelpOptions = true, description = "Lists the models that plans know by name.")
final class ModelsCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Catalog catalog = Catalog.standard();
    for (String name : catalog.names()) {
      ModelShape m = catalog.get(name);
      out.printf(Locale.ROOT, "%-28s %7.1f G weights, %6.1f G active, %3d layers, %.1f K numbers cached per "
          + "token (%s)%n", name, m.weights() / 1e9, m.activeWeights() / 1e9, m.depth(), m.cachedPerToken() / 1e3,
          m.confidence());
    }
    return 0;
  }
}
