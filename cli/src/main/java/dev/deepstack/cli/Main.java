package dev.deepstack.cli;

import dev.deepstack.cli.plan.PlanCommand;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import dev.deepstack.text.TokenizerException;
import dev.deepstack.text.template.TemplateException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// The `deepstack` command.
@Command(name = "deepstack", version = "deepstack 0.1.0-SNAPSHOT", mixinStandardHelpOptions = true,
    description = "Runs PyTorch models as machine code, from the JVM: no Python and no CUDA at run time.",
    subcommands = {RunCommand.class, ChatCommand.class, VerifyCommand.class, ExecCommand.class, InspectCommand.class,
        CompileCommand.class, PullCommand.class, QuantizeCommand.class, DoctorCommand.class, BenchCommand.class,
        PlanCommand.class},
    footer = {"", "Try: deepstack run demo --prompt \"ROMEO:\""})
public final class Main implements Runnable {
  static final int FAILED = 1;
  private static final int INTERNAL = 70;

  @Option(names = "--verbose", scope = CommandLine.ScopeType.INHERIT, description = "Show where an error came from.")
  private boolean verbose;

  /// Whether the user wants to see where an error came from.
  boolean isVerbose() {
    return verbose;
  }

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  /// Runs the command line and exits with its code.
  public static void main(String[] args) {
    System.exit(execute(new PrintWriter(System.out, false, StandardCharsets.UTF_8),
        new PrintWriter(System.err, true, StandardCharsets.UTF_8), args));
  }

  /// Runs the command line and returns its exit code: 0, 1 when something failed, 2 for wrong usage.
  public static int execute(PrintWriter out, PrintWriter err, String... args) {
    var main = new Main();
    var line = new CommandLine(main).setOut(out).setErr(err);
    line.setExecutionExceptionHandler((e, _, _) -> main.failed(e, err));
    line.setParameterExceptionHandler((e, _) -> misused(e, err));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    int code;
    try {
      code = line.execute(args);
    } catch (Error e) {
      code = main.failed(e, err);
    }
    out.flush();
    return code;
  }

  /// One sentence, and what was perhaps meant.
  private static int misused(CommandLine.ParameterException e, PrintWriter err) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    String problem = String.valueOf(e.getMessage()).strip();
    if (e instanceof CommandLine.UnmatchedArgumentException unmatched && !unmatched.getSuggestions().isEmpty()) {
      problem += "; is it " + String.join(" or ", unmatched.getSuggestions()) + "?";
    }
    err.println("deepstack: " + problem + " (" + command + " --help says what can be given)");
    return CommandLine.ExitCode.USAGE;
  }

  private int failed(Throwable e, PrintWriter err) {
    if (verbose) {
      e.printStackTrace(err);
    }
    // picocli wraps what a method that is a command throws.
    Throwable cause = e instanceof CommandLine.ExecutionException && e.getCause() != null ? e.getCause() : e;
    return switch (cause) {
      case InvalidInputException _, MalformedModelException _, UnsupportedModelException _, TokenizerException _,
          TemplateException _ -> {
        err.println("deepstack: " + cause.getMessage());
        yield FAILED;
      }
      case OutOfMemoryError _ -> {
        err.println("deepstack: there is not enough memory (" + cause.getMessage()
            + "); close other programs or take a smaller model");
        yield FAILED;
      }
      case NoClassDefFoundError missing when String.valueOf(missing.getMessage()).startsWith("dev/deepstack/") -> {
        err.println("deepstack: this needs a part of DeepStack that is not on the class path (" + missing.getMessage()
            + "); add its compiler, or give a .dsp file to run or exec");
        yield FAILED;
      }
      default -> {
        err.println("deepstack: internal error, please report it: " + cause
            + (verbose ? "" : " (--verbose shows more)"));
        yield INTERNAL;
      }
    };
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }
}
