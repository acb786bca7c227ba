package dev.deepstack.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The `deepstack` command.
@Command(name = "deepstack", version = "deepstack 0.1.0-SNAPSHOT", mixinStandardHelpOptions = true)
public final class Main implements Runnable {

  /// Runs the command line and exits with its code.
  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }

  @Override
  public void run() {
    CommandLine.usage(this, System.out);
  }
}
