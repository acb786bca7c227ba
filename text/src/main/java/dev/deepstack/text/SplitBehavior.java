package dev.deepstack.text;

import java.util.ArrayList;
import java.util.List;

/// What becomes of the matches of a split pattern.
enum SplitBehavior {
  REMOVED, ISOLATED, MERGED_WITH_PREVIOUS, MERGED_WITH_NEXT, CONTIGUOUS;

  /// A stretch of the text, inside or between matches.
  record Span(int start, int end, boolean match) {
    boolean isEmpty() {
      return start == end;
    }
  }

  List<Span> apply(List<Span> spans) {
    return switch (this) {
      case ISOLATED -> spans;
      case REMOVED -> spans.stream().filter(span -> !span.match).toList();
      case CONTIGUOUS -> contiguous(spans);
      case MERGED_WITH_PREVIOUS -> withPrevious(spans);
      case MERGED_WITH_NEXT -> withNext(spans);
    };
  }

  private static List<Span> contiguous(List<Span> spans) {
    var merged = new ArrayList<Span>();
    for (var span : spans) {
      if (!merged.isEmpty() && merged.getLast().match == span.match) {
        merged.set(merged.size() - 1, new Span(merged.getLast().start, span.end, span.match));
      } else {
        merged.add(span);
      }
    }
    return merged;
  }

  /// Only the first of a run of matches joins its neighbour; the others stand alone.
  private static List<Span> withPrevious(List<Span> spans) {
    var merged = new ArrayList<Span>();
    boolean afterMatch = false;
    for (var span : spans) {
      if (span.match && !afterMatch && !merged.isEmpty()) {
        merged.set(merged.size() - 1, new Span(merged.getLast().start, span.end, false));
      } else {
        merged.add(span);
      }
      afterMatch = span.match;
    }
    return merged;
  }

  private static List<Span> withNext(List<Span> spans) {
    var merged = new ArrayList<Span>();
    boolean beforeMatch = false;
    for (var span : spans.reversed()) {
      if (span.match && !beforeMatch && !merged.isEmpty()) {
        merged.set(merged.size() - 1, new Span(span.start, merged.getLast().end, false));
      } else {
        merged.add(span);
      }
      beforeMatch = span.match;
    }
    return merged.reversed();
  }
}
