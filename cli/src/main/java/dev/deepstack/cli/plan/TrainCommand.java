package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.report.Money;
import dev.deepstack.planner.train.TrainingModel;
import dev.deepstack.planner.train.TrainingPlan;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Plans training.
@Command(name = "train", mixinStandardHelpOptions = true,
    description = "Says how fast a model trains on devices, and what a trillion tokens cost.")
final class TrainCommand implements Callable<Integer> {
  @Option(names = "--model", paramLabel = "MODEL", required = true,
      description = "A name, a config.json or a folder with one.")
  private String model = "";

  @Option(names = "--device", paramLabel = "NAME", split = ",", required = true,
      description = "Devices, NAME:BIN for one of their bins; see deepstack plan devices.")
  private List<String> devices = List.of();

  @Mixin
  private Subjects subjects = new Subjects();

  @Option(names = "--seq", paramLabel = "TOKENS", defaultValue = "4096", description = "Tokens of a sequence.")
  private int length;

  @Option(names = "--batch", paramLabel = "SEQUENCES", defaultValue = "4096", description = "Sequences of a step.")
  private int batch;

  @Option(names = "--math", paramLabel = "TYPE", description = "bf16, fp8 or fp4; default fp8 where there is one.")
  private String math = "";

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    var plans = new ArrayList<TrainingPlan>();
    Calibration calibration = Calibration.standard();
    ModelShape shape = Subjects.model(model);
    for (var device : subjects.devices(devices)) {
      for (int count : subjects.counts()) {
        plans.add(TrainingPlan.best(shape, device, count, length, Math.max(batch, count),
            math.isEmpty() ? device.has("fp8") ? "fp8" : "bf16" : math.toLowerCase(Locale.ROOT), calibration));
      }
    }
    PrintWriter out = output.out();
    Money money = subjects.money();
    if (output.isJson()) {
      output.print(Map.of("plans", plans.stream().map(p -> object(p, money)).toList()));
      return 0;
    }
    for (TrainingPlan p : plans) {
      TrainingModel.Setup s = p.setup();
      out.printf(Locale.ROOT, "%s on %.0f x %s in %s: tp%d pp%d ep%d, %.0f tokens/s each [%.0f, %.0f], MFU %.0f %% of "
          + "BF16 and %.0f %% of %s%n", p.model().name(), s.devices(), p.device().id(), s.math(), s.tp(), s.pp(),
          s.ep(), p.tokens(), p.tokensLow(), p.tokensHigh(), 100 * p.mfuBf16(), 100 * p.mfuOwn(), s.math());
      out.printf(Locale.ROOT, "  %.1f G tokens a day at a goodput of %.1f %%, %.0f device hours per T tokens%s%n",
          p.tokensPerDay() / 1e9, 100 * p.goodput(), p.hoursPerTrillion(), cost(p, money));
      TrainingModel.PerToken t = p.perToken();
      out.printf(Locale.ROOT, "  a token: products %.0f %%, attention %.0f %%, memory %.0f %%, launches %.0f %%, "
          + "exchange %.0f %%, bubble %.0f %%%n", 100 * t.products() / t.total(), 100 * t.attention() / t.total(),
          100 * t.memory() / t.total(), 100 * t.launch() / t.total(), 100 * t.exchange() / t.total(),
          100 * t.bubble() / t.total());
    }
    return 0;
  }

  private static String cost(TrainingPlan p, Money money) {
    OptionalDouble price = money.price(p.device());
    return price.isEmpty() ? ", no price on the basis " + money.basis()
        : String.format(Locale.ROOT, ", %.0f k$ at %.2f $/h (%s)", p.hoursPerTrillion() * price.getAsDouble() / 1000,
            price.getAsDouble(), money.basis());
  }

  private static Map<String, Object> object(TrainingPlan p, Money money) {
    var map = new LinkedHashMap<String, Object>();
    map.put("model", p.model().name());
    map.put("device", p.device().id());
    map.put("count", p.setup().devices());
    map.put("tp", p.setup().tp());
    map.put("pp", p.setup().pp());
    map.put("ep", p.setup().ep());
    map.put("math", p.setup().math());
    map.put("tok_s_per_device", List.of(p.tokens(), p.tokensLow(), p.tokensHigh()));
    map.put("mfu_bf16", p.mfuBf16());
    map.put("mfu_own", p.mfuOwn());
    map.put("goodput", p.goodput());
    map.put("tokens_per_day", p.tokensPerDay());
    map.put("device_hours_per_trillion", p.hoursPerTrillion());
    OptionalDouble price = money.price(p.device());
    if (price.isPresent()) {
      map.put("usd_per_trillion", p.hoursPerTrillion() * price.getAsDouble());
    }
    map.put("price_basis", money.basis());
    return map;
  }
}
