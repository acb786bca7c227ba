package dev.deepstack.cli.chat;

import dev.deepstack.tensor.InvalidInputException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import org.jspecify.annotations.Nullable;

/// Lines from a file or a pipe; one that ends with a backslash goes on in the next.
public final class PipedLines implements Lines {
  private final BufferedReader in;

  public PipedLines(Reader in) {
    this.in = new BufferedReader(in);
  }

  @Override
  public @Nullable String read() {
    try {
      String line = in.readLine();
      while (line != null && line.endsWith("\\")) {
        String next = in.readLine();
        line = line.substring(0, line.length() - 1) + (next == null ? "" : "\n" + next);
      }
      return line;
    } catch (IOException e) {
      throw new InvalidInputException("cannot read what is to be said: " + e.getMessage(), e);
    }
  }
}
