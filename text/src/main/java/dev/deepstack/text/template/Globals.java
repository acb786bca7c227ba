package dev.deepstack.text.template;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/// The functions that every template can call.
final class Globals {
  private static final int MAX_RANGE = 100_000;

  private final Budget budget;
  private final Clock clock;

  Globals(Budget budget, Clock clock) {
    this.budget = budget;
    this.clock = clock;
  }

  void define(Scope scope) {
    scope.set("range", (Callable) this::range);
    scope.set("dict", (Callable) this::map);
    scope.set("namespace", (Callable) this::namespace);
    scope.set("joiner", (Callable) this::joiner);
    scope.set("cycler", (Callable) Globals::cycler);
    scope.set("raise_exception", (Callable) this::raise);
    scope.set("strftime_now", (Callable) this::now);
  }

  private Object range(Arguments arguments) {
    var bound = arguments.bind("range", "start", "stop", "step");
    boolean single = !bound.has("stop");
    long start = single ? 0 : bound.number("start", 0);
    long stop = single ? Values.index(bound.get("start"), "range") : bound.number("stop", 0);
    long step = bound.number("step", 1);
    if (step == 0) {
      throw new TemplateException("the step of a range is zero");
    }
    double count = Math.ceil(((double) stop - start) / step);
    if (count > MAX_RANGE) {
      throw new TemplateException("a range has more than %d numbers".formatted(MAX_RANGE));
    }
    budget.make((long) Math.max(0, count));
    var numbers = new ArrayList<Object>();
    for (long i = 0; i < count; i++) {
      numbers.add(start + i * step);
    }
    return numbers;
  }

  private Map<Object, Object> map(Arguments arguments) {
    var map = new LinkedHashMap<Object, Object>();
    for (var positional : arguments.positional()) {
      if (positional instanceof Map<?, ?> other) {
        map.putAll(Values.map(other));
      } else {
        for (var pair : Values.items(positional, budget)) {
          var both = Values.items(pair, budget);
          if (both.size() != 2) {
            throw new TemplateException("dict needs pairs");
          }
          map.put(Values.key(both.getFirst()), both.getLast());
        }
      }
    }
    map.putAll(arguments.named());
    budget.make(map.size());
    return map;
  }

  private Namespace namespace(Arguments arguments) {
    var namespace = new Namespace();
    map(arguments).forEach((name, value) -> namespace.set(Spelling.text(name, budget), value));
    return namespace;
  }

  private Callable joiner(Arguments arguments) {
    var separator = arguments.bind("joiner", "sep").get("sep", ", ");
    var used = new AtomicBoolean();
    return _ -> used.getAndSet(true) ? separator : "";
  }

  private static Namespace cycler(Arguments arguments) {
    var items = arguments.positional();
    if (items.isEmpty()) {
      throw new TemplateException("cycler needs something to cycle through");
    }
    var cycler = new Namespace();
    cycler.set("current", items.getFirst());
    var position = new int[1];
    cycler.set("next", (Callable) _ -> {
      var current = items.get(position[0]);
      position[0] = (position[0] + 1) % items.size();
      cycler.set("current", items.get(position[0]));
      return current;
    });
    cycler.set("reset", (Callable) _ -> {
      position[0] = 0;
      cycler.set("current", items.getFirst());
      return None.NONE;
    });
    return cycler;
  }

  private Object raise(Arguments arguments) {
    throw TemplateException.quoting(
        Spelling.text(arguments.bind("raise_exception", "message").get("message"), budget));
  }

  /// Python's `strftime` of now, in English.
  private String now(Arguments arguments) {
    var format = arguments.bind("strftime_now", "format").text("format");
    var now = ZonedDateTime.now(clock);
    var out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      if (format.charAt(i) != '%' || i + 1 == format.length()) {
        out.append(format.charAt(i));
        continue;
      }
      boolean unpadded = format.charAt(i + 1) == '-' && i + 2 < format.length();
      i += unpadded ? 2 : 1;
      var text = directive(format.charAt(i), now);
      out.append(unpadded ? text.replaceFirst("^[0 ]+(?=.)", "") : text);
    }
    return budget.made(out.toString());
  }

  private static String directive(char directive, ZonedDateTime now) {
    var pattern = switch (directive) {
      case 'Y' -> "uuuu";
      case 'y' -> "uu";
      case 'm' -> "MM";
      case 'd' -> "dd";
      case 'e' -> "ppd";
      case 'H' -> "HH";
      case 'I' -> "hh";
      case 'M' -> "mm";
      case 'S' -> "ss";
      case 'f' -> "SSSSSS";
      case 'j' -> "DDD";
      case 'B' -> "MMMM";
      case 'b', 'h' -> "MMM";
      case 'A' -> "EEEE";
      case 'a' -> "EEE";
      case 'p' -> "a";
      case 'F' -> "uuuu-MM-dd";
      case 'T', 'X' -> "HH:mm:ss";
      case 'R' -> "HH:mm";
      case 'D', 'x' -> "MM/dd/uu";
      case 'c' -> "EEE MMM ppd HH:mm:ss uuuu";
      case '%' -> "'%'";
      default -> throw new TemplateException("strftime_now does not know '%" + directive + "'");
    };
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
  }
}
