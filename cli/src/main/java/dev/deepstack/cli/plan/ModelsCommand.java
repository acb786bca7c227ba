package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.ModelShape;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// Lists models.
@Command(name = "models", mixinStandardHelpOptions = true, description = "Lists the models that plans know by name.")
final class ModelsCommand implements Callable<Integer> {
  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    PrintWriter out = output.out();
    Catalog catalog = Catalog.standard();
    if (output.isJson()) {
      output.print(Map.of("models", catalog.names().stream().map(name -> object(name, catalog.get(name))).toList()));
      return 0;
    }
    for (String name : catalog.names()) {
      ModelShape m = catalog.get(name);
      out.printf(Locale.ROOT, "%-28s %7.1f G weights, %6.1f G active, %3d layers, %.1f K numbers cached per "
          + "token (%s)%n", name, m.weights() / 1e9, m.activeWeights() / 1e9, m.depth(), m.cachedPerToken() / 1e3,
          m.confidence());
    }
    return 0;
  }

  private static Map<String, Object> object(String name, ModelShape m) {
    return Map.of("name", name, "weights", m.weights(), "active_weights", m.activeWeights(), "layers", m.depth(),
        "cached_per_token", m.cachedPerToken(), "confidence", m.confidence());
  }
}
