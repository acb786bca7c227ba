package dev.deepstack.text.chat;

import java.util.ArrayList;
import java.util.List;

/// Takes apart what a model writes while it writes it: answer, thoughts, calls of tools. Text that may be the
/// beginning of a mark is held back until it is clear, so no half mark is ever shown; a call is given when it is
/// complete. For one reply and one thread. Feed it text in which special tokens are shown.
///
/// {@snippet :
/// var parser = template.reply(prompt);
/// for (var piece : pieces) { parser.add(piece).forEach(this::show); }
/// parser.end().forEach(this::show);
/// }
public final class ReplyParser {
  private enum State { REASONING, ANSWER, CALLS }

  private final ReplyMarkup markup;
  private final StringBuilder pending = new StringBuilder();
  private State state;
  private boolean atStart = true;
  private boolean afterCalls;
  private int searched;

  /// White space of the answer that is dropped if a call follows.
  private final StringBuilder blank = new StringBuilder();

  /// @param prompt what the reply continues: one that ends in an open `<think>` begins with thoughts
  ReplyParser(ReplyMarkup markup, String prompt) {
    this.markup = markup;
    state = prompt.stripTrailing().endsWith(ReplyMarkup.THINK) ? State.REASONING : State.ANSWER;
  }

  /// The parts that this text completes, often none.
  public List<ReplyPart> add(String text) {
    pending.append(text);
    var parts = new ArrayList<ReplyPart>();
    while (step(parts)) {
      // Each step consumes a mark or releases text.
    }
    return parts;
  }

  /// What is left when the model has stopped. A call that was cut off is given as it stands.
  public List<ReplyPart> end() {
    var parts = new ArrayList<ReplyPart>();
    if (state == State.CALLS) {
      pending.insert(0, markup.callsBegin());
      state = State.ANSWER;
    }
    release(pending.length(), parts);
    if (!blank.isEmpty() && !afterCalls) {
      parts.add(new ReplyPart.Answer(blank.toString()));
    }
    blank.setLength(0);
    return parts;
  }

  private boolean step(List<ReplyPart> parts) {
    return switch (state) {
      case REASONING -> toMark(List.of(ReplyMarkup.THINK_END), parts);
      case ANSWER -> {
        var marks = new ArrayList<String>();
        if (atStart) {
          marks.add(ReplyMarkup.THINK);
        }
        if (!markup.callsBegin().isEmpty()) {
          marks.add(markup.callsBegin());
        }
        yield toMark(marks, parts);
      }
      case CALLS -> calls(parts);
    };
  }

  /// Releases the text before the first mark and takes the mark; without one, what can no longer become one.
  private boolean toMark(List<String> marks, List<ReplyPart> parts) {
    int first = pending.length();
    var found = "";
    int safe = pending.length();
    for (var mark : marks) {
      int at = pending.indexOf(mark);
      if (at >= 0 && at < first) {
        first = at;
        found = mark;
      }
      safe = Math.min(safe, pending.length() - overlap(mark));
    }
    if (found.isEmpty()) {
      release(safe, parts);
      return false;
    }
    release(first, parts);
    if (found.equals(ReplyMarkup.THINK) && !atStart) {
      release(found.length(), parts);
      return true;
    }
    pending.delete(0, found.length());
    state = found.equals(ReplyMarkup.THINK) ? State.REASONING
        : found.equals(ReplyMarkup.THINK_END) ? State.ANSWER : State.CALLS;
    atStart = false;
    if (state != State.ANSWER) {
      blank.setLength(0);
    }
    return true;
  }

  /// How much of the end of the pending text may be the beginning of this mark.
  private int overlap(String mark) {
    for (int length = Math.min(mark.length() - 1, pending.length()); length > 0; length--) {
      if (mark.startsWith(pending.substring(pending.length() - length))) {
        return length;
      }
    }
    return 0;
  }

  private boolean calls(List<ReplyPart> parts) {
    int end = pending.indexOf(markup.callsEnd(), Math.max(0, searched - markup.callsEnd().length()));
    if (end < 0) {
      searched = pending.length();
      return false;
    }
    searched = 0;
    afterCalls = true;
    var block = pending.substring(0, end);
    var calls = markup.calls(block);
    pending.delete(0, end + markup.callsEnd().length());
    state = State.ANSWER;
    if (calls == null) {
      parts.add(new ReplyPart.Answer(markup.callsBegin() + block + markup.callsEnd()));
    } else {
      parts.addAll(calls);
    }
    return true;
  }

  /// Gives away that much of the pending text.
  private void release(int length, List<ReplyPart> parts) {
    if (length == 0) {
      return;
    }
    var text = pending.substring(0, length);
    pending.delete(0, length);
    if (state == State.REASONING) {
      parts.add(new ReplyPart.Reasoning(text));
      return;
    }
    int end = text.stripTrailing().length();
    if (end > 0) {
      atStart = false;
      afterCalls = false;
      parts.add(new ReplyPart.Answer(blank + text.substring(0, end)));
      blank.setLength(0);
    }
    blank.append(text, end, text.length());
  }
}
