package dev.deepstack.cli.output;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Where a command's answer goes: text for people, or one JSON object with `--json`.
public final class Output {
  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec command;

  /// Whether the answer is to be JSON.
  public boolean isJson() {
    return json;
  }

  /// For the answer.
  public PrintWriter out() {
    return commandLine().getOut();
  }

  /// For everything else.
  public PrintWriter err() {
    return commandLine().getErr();
  }

  /// Prints an answer as JSON, in one line.
  public void print(Object answer) {
    out().println(JsonMapper.shared().writeValueAsString(answer));
  }

  /// The command line that the command stands on, for complaints about it.
  public CommandLine commandLine() {
    return command.commandLine();
  }
}
