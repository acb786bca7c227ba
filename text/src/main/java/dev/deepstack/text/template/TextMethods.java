package dev.deepstack.text.template;

import dev.deepstack.text.template.Arguments.Bound;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;

/// Python's methods of strings.
final class TextMethods {
  private static final Set<String> NAMES = Set.of(
      "upper", "lower", "title", "capitalize", "swapcase", "casefold", "strip", "lstrip", "rstrip", "split",
      "rsplit", "splitlines", "startswith", "endswith", "replace", "find", "rfind", "index", "rindex", "count",
      "join", "format", "isdigit", "isdecimal", "isnumeric", "isalpha", "isalnum", "isspace", "isupper",
      "islower", "zfill", "center", "ljust", "rjust", "partition", "rpartition", "removeprefix", "removesuffix");

  private final Budget budget;

  TextMethods(Budget budget) {
    this.budget = budget;
  }

  static boolean has(String name) {
    return NAMES.contains(name);
  }

  Object call(String text, String name, Arguments arguments) {
    budget.make(text.length());
    return switch (name) {
      case "strip", "lstrip", "rstrip" -> strip(text, arguments.bind(name, "chars"), name);
      case "split", "rsplit" -> split(text, arguments.bind(name, "sep", "maxsplit"), name.equals("rsplit"));
      case "splitlines" -> lines(text, arguments.bind(name, "keepends").flag("keepends"));
      case "startswith", "endswith" -> affix(text, arguments.bind(name, "affix", "start", "end"), name);
      case "replace" -> replace(text, arguments.bind(name, "old", "new", "count"));
      case "find", "rfind", "index", "rindex" -> find(text, arguments.bind(name, "sub", "start", "end"), name);
      case "count" -> count(text, arguments.bind(name, "sub").text("sub"));
      case "join" -> join(text, Values.items(arguments.bind(name, "items").get("items"), budget));
      case "format" -> new Formatting(budget).format(text, arguments);
      case "zfill", "center", "ljust", "rjust" -> pad(text, arguments.bind(name, "width", "fill"), name);
      case "partition", "rpartition" -> partition(text, arguments.bind(name, "sep").text("sep"), name);
      case "removeprefix" -> {
        var prefix = arguments.bind(name, "prefix").text("prefix");
        yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        var suffix = arguments.bind(name, "suffix").text("suffix");
        yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      default -> {
        arguments.bind(name);
        yield plain(text, name);
      }
    };
  }

  private static Object plain(String text, String name) {
    return switch (name) {
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "casefold" -> text.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
      case "title" -> title(text);
      case "capitalize" -> capitalized(text);
      case "swapcase" -> swapped(text);
      case "isdigit", "isdecimal", "isnumeric" -> all(text, Character::isDigit);
      case "isalpha" -> all(text, Character::isLetter);
      case "isalnum" -> all(text, Character::isLetterOrDigit);
      case "isspace" -> all(text, Spaces::isSpace);
      case "isupper" -> cased(text) && text.equals(text.toUpperCase(Locale.ROOT));
      case "islower" -> cased(text) && text.equals(text.toLowerCase(Locale.ROOT));
      default -> throw new TemplateException("a string has no method '" + name + "'");
    };
  }

  private static boolean all(String text, IntPredicate predicate) {
    return !text.isEmpty() && text.codePoints().allMatch(predicate);
  }

  static boolean cased(String text) {
    return text.codePoints().anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
  }

  static String capitalized(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return titled(text.codePointAt(0)) + text.substring(first).toLowerCase(Locale.ROOT);
  }

  private static String titled(int c) {
    int title = Character.toTitleCase(c);
    return title == c ? Character.toString(c).toUpperCase(Locale.ROOT) : Character.toString(title);
  }

  private static String title(String text) {
    var out = new StringBuilder();
    boolean inWord = false;
    for (int c : text.codePoints().toArray()) {
      boolean letter = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
      out.append(letter && !inWord ? titled(c) : letter ? Character.toString(c).toLowerCase(Locale.ROOT)
          : Character.toString(c));
      inWord = letter;
    }
    return out.toString();
  }

  private static String swapped(String text) {
    var out = new StringBuilder();
    text.codePoints().forEach(c -> out.append(Character.isUpperCase(c)
        ? Character.toString(c).toLowerCase(Locale.ROOT) : Character.toString(c).toUpperCase(Locale.ROOT)));
    return out.toString();
  }

  static String strip(String text, Bound bound, String name) {
    boolean left = !name.equals("rstrip");
    boolean right = !name.equals("lstrip");
    if (bound.has("chars")) {
      return Spaces.strip(text, bound.text("chars"), left, right);
    }
    var stripped = left ? Spaces.stripLeft(text) : text;
    return right ? Spaces.stripRight(stripped) : stripped;
  }

  private List<Object> split(String text, Bound bound, boolean fromRight) {
    long most = bound.number("maxsplit", -1);
    boolean bySpaces = !bound.has("sep");
    var separator = bySpaces ? "" : bound.text("sep");
    if (!bySpaces && separator.isEmpty()) {
      throw new TemplateException("a string cannot be split at an empty string");
    }
    var parts = fromRight
        ? fromRight(text, separator, most < 0 ? Long.MAX_VALUE : most)
        : fromLeft(text, separator, most < 0 ? Long.MAX_VALUE : most);
    budget.make(parts.size());
    return parts;
  }

  /// An empty separator stands for runs of white space.
  private static List<Object> fromLeft(String text, String separator, long most) {
    var parts = new ArrayList<Object>();
    if (!separator.isEmpty()) {
      int start = 0;
      for (int at = text.indexOf(separator); at >= 0 && parts.size() < most; at = text.indexOf(separator, start)) {
        parts.add(text.substring(start, at));
        start = at + separator.length();
      }
      parts.add(text.substring(start));
      return parts;
    }
    var rest = Spaces.stripLeft(text);
    while (!rest.isEmpty()) {
      if (parts.size() == most) {
        parts.add(rest);
        return parts;
      }
      int end = 0;
      while (end < rest.length() && !Spaces.isSpace(rest.charAt(end))) {
        end++;
      }
      parts.add(rest.substring(0, end));
      rest = Spaces.stripLeft(rest.substring(end));
    }
    return parts;
  }

  private static List<Object> fromRight(String text, String separator, long most) {
    var parts = new ArrayList<Object>();
    if (!separator.isEmpty()) {
      int end = text.length();
      for (int at = text.lastIndexOf(separator); at >= 0 && parts.size() < most;
          at = end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length())) {
        parts.add(text.substring(at + separator.length(), end));
        end = at;
      }
      parts.add(text.substring(0, end));
    } else {
      var rest = Spaces.stripRight(text);
      while (!rest.isEmpty()) {
        if (parts.size() == most) {
          parts.add(rest);
          break;
        }
        int start = rest.length();
        while (start > 0 && !Spaces.isSpace(rest.charAt(start - 1))) {
          start--;
        }
        parts.add(rest.substring(start));
        rest = Spaces.stripRight(rest.substring(0, start));
      }
    }
    Collections.reverse(parts);
    return parts;
  }

  static List<Object> lines(String text, boolean keepEnds) {
    var lines = new ArrayList<Object>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      if ("\n\r\u000b\f\u001c\u001d\u001e\u0085\u2028\u2029".indexOf(text.charAt(i)) < 0) {
        continue;
      }
      int end = text.startsWith("\r\n", i) ? i + 2 : i + 1;
      lines.add(text.substring(start, keepEnds ? end : i));
      start = end;
      i = end - 1;
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  private boolean affix(String text, Bound bound, String name) {
    var part = range(text, bound);
    var affixes = bound.get("affix") instanceof Tuple several ? several : List.of(bound.get("affix"));
    boolean found = false;
    for (var affix : affixes) {
      if (!(affix instanceof String word)) {
        throw new TemplateException("%s needs a string, not %s".formatted(name, Values.kind(affix)));
      }
      found |= name.equals("startswith") ? part.startsWith(word) : part.endsWith(word);
    }
    return found;
  }

  private String range(String text, Bound bound) {
    return bound.has("start") || bound.has("end")
        ? (String) new Operators(budget).slice(
            text, bound.get("start", None.NONE), bound.get("end", None.NONE), None.NONE)
        : text;
  }

  private String replace(String text, Bound bound) {
    return replace(text, bound.text("old"), bound.text("new"), bound.number("count", -1), budget);
  }

  static String replace(String text, String old, String with, long count, Budget budget) {
    long most = count < 0 ? Long.MAX_VALUE : count;
    var out = new StringBuilder();
    int done = 0;
    int from = 0;
    for (long n = 0; n < most; n++) {
      int at = text.indexOf(old, from);
      if (at < 0 || from > text.length()) {
        break;
      }
      budget.make(with.length() + 1L);
      out.append(text, done, at).append(with);
      done = at + old.length();
      from = old.isEmpty() ? at + 1 : done;
    }
    return out.append(text, Math.min(done, text.length()), text.length()).toString();
  }

  private Object find(String text, Bound bound, String name) {
    var sub = bound.text("sub");
    var part = range(text, bound);
    int at = name.startsWith("r") ? part.lastIndexOf(sub) : part.indexOf(sub);
    if (at < 0 && name.endsWith("index")) {
      throw new TemplateException("a string does not contain what %s() looks for".formatted(name));
    }
    long start = bound.has("start") ? Math.max(0, bound.number("start", 0)) : 0;
    return at < 0 ? -1L : start + part.codePointCount(0, at);
  }

  private static long count(String text, String sub) {
    if (sub.isEmpty()) {
      return Values.length(text) + 1;
    }
    long count = 0;
    for (int at = text.indexOf(sub); at >= 0; at = text.indexOf(sub, at + sub.length())) {
      count++;
    }
    return count;
  }

  private String join(String separator, List<Object> items) {
    var out = new StringBuilder();
    for (int i = 0; i < items.size(); i++) {
      if (!(items.get(i) instanceof String text)) {
        throw new TemplateException("join() needs strings, not " + Values.kind(items.get(i)));
      }
      budget.make(separator.length() + (long) text.length());
      out.append(i == 0 ? "" : separator).append(text);
    }
    return out.toString();
  }

  private String pad(String text, Bound bound, String name) {
    long missing = Math.max(0, bound.number("width", 0) - Values.length(text));
    budget.make(missing);
    var fill = bound.text("fill", name.equals("zfill") ? "0" : " ");
    if (fill.isEmpty() || Values.length(fill) != 1) {
      throw new TemplateException(name + " needs one character to fill with");
    }
    int count = (int) missing;
    return switch (name) {
      case "ljust" -> text + fill.repeat(count);
      case "center" -> {
        int left = count / 2 + (count & (int) Values.index(bound.get("width"), name) & 1);
        yield fill.repeat(left) + text + fill.repeat(count - left);
      }
      case "zfill" -> text.startsWith("-") || text.startsWith("+")
          ? text.charAt(0) + fill.repeat(count) + text.substring(1) : fill.repeat(count) + text;
      default -> fill.repeat(count) + text;
    };
  }

  private static Tuple partition(String text, String separator, String name) {
    boolean right = name.startsWith("r");
    int at = separator.isEmpty() ? -1 : right ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) {
      return right ? Tuple.of("", "", text) : Tuple.of(text, "", "");
    }
    return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
  }
}
