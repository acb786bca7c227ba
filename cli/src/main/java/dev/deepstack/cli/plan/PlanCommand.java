package dev.deepstack.cli.plan;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Plans.
@Command(name = "plan", mixinStandardHelpOptions = true,
    description = "Says what a model will cost on hardware: the best configuration, its speed with an interval, "
        + "memory, price, energy, and what was measured nearby.",
    subcommands = {DevicesCommand.class, ScoreCommand.class, CalibrateCommand.class, ClaimCommand.class,
        TrainCommand.class, ModelsCommand.class, PlaceCommand.class,
        MachineCommand.class, TimeCommand.class},
    footer = {"", "Try: deepstack plan --model deepseek-v4-flash --device ascend-950pr,h200-sxm --count 8,64 "
        + "--isl 4096 --osl 512 --slo ttft=2s,tpot=50ms"})
public final class PlanCommand implements Callable<Integer> {
  @Mixin
  private ServeOptions options = new ServeOptions();

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() {
    return options.run(spec.commandLine());
  }
}
