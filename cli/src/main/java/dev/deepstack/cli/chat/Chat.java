package dev.deepstack.cli.chat;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.text.chat.ReplyPart;
import dev.deepstack.text.template.TemplateException;
import java.io.PrintWriter;
import java.util.Locale;

/// Reads what the user types until there is no more: commands begin with a slash, everything else is for the model.
public final class Chat {
  private static final String HELP = """
      /help           this
      /clear          forget the conversation
      /system TEXT    tell the model TEXT beforehand, and begin anew
      /exit           end (or Ctrl-D)
      A backslash at the end continues a line. Ctrl-C stops an answer.""";
  private static final String DIM = "\033[2m";
  private static final String PLAIN = "\033[0m";

  private final Lines lines;
  private final Conversation conversation;
  private final PrintWriter out;
  private final boolean coloured;
  /// Whether what is shown is a thought, in its colour.
  private boolean thinks;

  /// @param coloured whether thoughts may be shown in another colour
  public Chat(Lines lines, Conversation conversation, PrintWriter out, boolean coloured) {
    this.lines = lines;
    this.conversation = conversation;
    this.out = out;
    this.coloured = coloured;
  }

  /// Runs to the end of the input.
  public void run() {
    while (true) {
      String line;
      try {
        line = lines.read();
      } catch (Lines.Interrupted _) {
        say("(Ctrl-D or /exit ends)");
        continue;
      }
      if (line == null || !accept(line)) {
        return;
      }
    }
  }

  /// @return false at the end
  private boolean accept(String line) {
    String text = line.strip();
    if (!text.startsWith("/")) {
      if (!text.isEmpty()) {
        ask(line);
      }
      return true;
    }
    String[] parts = text.split("\\s+", 2);
    switch (parts[0].toLowerCase(Locale.ROOT)) {
      case "/help", "/?" -> say(HELP);
      case "/clear" -> {
        conversation.clear();
        say("(a new conversation)");
      }
      case "/system" -> {
        conversation.system(parts.length == 2 ? parts[1] : "");
        say("(a new conversation)");
      }
      case "/exit", "/quit" -> {
        return false;
      }
      default -> say("there is no command " + parts[0] + "; /help lists all");
    }
    return true;
  }

  private void ask(String text) {
    try {
      conversation.ask(text, part -> {
        switch (part) {
          case ReplyPart.Reasoning(String words) -> show(words, true);
          case ReplyPart.Answer(String words) -> show(words, false);
          case ReplyPart.ToolCall(String name, String arguments) -> show(name + arguments, false);
        }
      });
      show("", false);
      say("");
    } catch (InvalidInputException | TemplateException e) {
      show("", false);
      say("deepstack: " + e.getMessage());
    }
  }

  private void show(String words, boolean thought) {
    if (coloured && thinks != thought) {
      out.print(thought ? DIM : PLAIN);
      thinks = thought;
    }
    out.print(words);
    out.flush();
  }

  private void say(String text) {
    out.println(text);
    out.flush();
  }
}
