package dev.deepstack.cli.chat;

import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

/// Lines typed at a terminal: editing, history over runs, several lines by a backslash at the end or by pasting.
public final class TerminalLines implements Lines {
  private static final String PROMPT = "> ";
  private static final String MORE = "… ";

  private final Terminal terminal;
  private final LineReader reader;
  private final AtomicReference<Runnable> interrupted = new AtomicReference<>(() -> {});

  /// @param history where lines are kept between runs
  public TerminalLines(Path history) {
    try {
      Files.createDirectories(history.toAbsolutePath().getParent());
      terminal = TerminalBuilder.builder().system(true).build();
    } catch (IOException e) {
      throw new InvalidInputException("cannot use this terminal: " + e.getMessage()
          + "; give the lines by a pipe instead", e);
    }
    terminal.handle(Terminal.Signal.INT, _ -> interrupted.get().run());
    reader = LineReaderBuilder.builder().terminal(terminal).appName("deepstack")
        .variable(LineReader.HISTORY_FILE, history).option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
        .option(LineReader.Option.HISTORY_IGNORE_DUPS, true).build();
  }

  @Override
  public @Nullable String read() {
    try {
      String line = reader.readLine(PROMPT);
      while (line.endsWith("\\")) {
        line = line.substring(0, line.length() - 1) + "\n" + reader.readLine(MORE);
      }
      return line;
    } catch (UserInterruptException e) {
      throw new Interrupted();
    } catch (EndOfFileException _) {
      return null;
    }
  }

  @Override
  public void onInterrupt(Runnable action) {
    interrupted.set(action);
  }

  @Override
  public void close() {
    try {
      terminal.close();
    } catch (IOException _) {
      // The terminal is as it was, or gone.
    }
  }
}
