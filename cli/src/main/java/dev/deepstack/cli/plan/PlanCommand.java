package dev.deepstack.cli.plan;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Plans.
@Command(name = "plan", mixinStandardHelpOptions = true,
    description = "Says what a model will cost on hardware, with evidence and an error bar.",
    subcommands = {DevicesCommand.class, ScoreCommand.class, CalibrateCommand.class})
public final class PlanCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "name a command: devices, score or calibrate");
  }
}
