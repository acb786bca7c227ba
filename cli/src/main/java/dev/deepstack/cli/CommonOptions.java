package dev.deepstack.cli;

import dev.deepstack.api.LoadOptions;
import java.io.Console;
import java.io.PrintWriter;
import picocli.CommandLine.Option;

/// Options of every command that loads a model.
final class CommonOptions {
  @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
      description = "Threads that may work together; 0 takes all processors.")
  private int threads;

  @Option(names = "--cpu", paramLabel = "CPU", defaultValue = "native",
      description = "What to generate code for: native (default), avx2 or avx512.")
  private String cpu = "native";

  @Option(names = "--no-cache", description = "Neither use nor keep compiled code.")
  private boolean uncached;

  /// @param err gets what is being done, when it is a terminal that someone watches
  LoadOptions load(PrintWriter err) {
    boolean watched = isWatched();
    return new LoadOptions(threads, cpu, !uncached, message -> {
      // A sentence is a warning for everybody; a few words are progress for a terminal.
      if (message.endsWith(".")) {
        err.println("deepstack: " + message);
      } else if (watched) {
        err.println("deepstack: " + message + " …");
      }
    });
  }

  /// Whether somebody watches at a terminal.
  @SuppressWarnings("SystemConsoleNull") // null is what the JDK still documents
  static boolean isWatched() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  String cpu() {
    return cpu;
  }

}
