package dev.deepstack.text.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/// Filters of lists and of other values with items.
final class ItemFilters {
  private final Budget budget;
  private final Lookup lookup;
  private final Filters filters;
  private final Tests tests;

  ItemFilters(Budget budget, Lookup lookup, Filters filters, Tests tests) {
    this.budget = budget;
    this.lookup = lookup;
    this.filters = filters;
    this.tests = tests;
  }

  Object filter(String name, Object value, Arguments arguments) {
    return switch (name) {
      case "list" -> {
        arguments.bind(name);
        yield copy(value);
      }
      case "items" -> {
        arguments.bind(name);
        yield switch (value) {
          case Undefined _ -> new Generated(List.of());
          case Map<?, ?> map -> new Generated(Methods.items(Values.map(map)));
          default -> throw new TemplateException("items needs a map, not " + Values.kind(value));
        };
      }
      case "first", "last" -> {
        arguments.bind(name);
        var items = copy(value);
        yield items.isEmpty() ? new Undefined("the " + name + " item of an empty list")
            : name.equals("first") ? items.getFirst() : items.getLast();
      }
      case "join" -> join(value, arguments.bind(name, "d", "attribute"));
      case "map" -> new Generated(mapped(value, arguments));
      case "select", "reject", "selectattr", "rejectattr" -> new Generated(selected(name, value, arguments));
      case "reverse" -> {
        arguments.bind(name);
        var items = copy(value);
        Collections.reverse(items);
        yield value instanceof String
            ? String.join("", texts(items)) : new Generated(items);
      }
      case "sort" -> sorted(copy(value), arguments.bind(name, "reverse", "case_sensitive", "attribute"));
      case "unique" -> new Generated(unique(value, arguments.bind(name, "case_sensitive", "attribute")));
      case "min", "max" -> extreme(name, value, arguments.bind(name, "case_sensitive", "attribute"));
      case "sum" -> sum(value, arguments.bind(name, "attribute", "start"));
      case "dictsort" -> dictSort(value, arguments.bind(name, "case_sensitive", "by", "reverse"));
      case "groupby" -> groups(value, arguments.bind(name, "attribute", "default", "case_sensitive"));
      case "batch" -> batches(value, arguments.bind(name, "linecount", "fill_with"));
      case "slice" -> slices(value, arguments.bind(name, "slices", "fill_with"));
      default -> throw new TemplateException("there is no filter '" + name + "'");
    };
  }

  private List<Object> copy(Object value) {
    var items = Values.items(value, budget);
    budget.make(items.size());
    return new ArrayList<>(items);
  }

  private static List<String> texts(List<Object> items) {
    return items.stream().map(String.class::cast).toList();
  }

  /// What `attribute` says to take of an item: a name, a path with dots, or a position.
  private Function<Object, Object> getter(Arguments.Bound bound) {
    if (!bound.has("attribute")) {
      return item -> item;
    }
    var attribute = bound.get("attribute");
    if (!(attribute instanceof String path)) {
      return item -> lookup.item(item, attribute);
    }
    var names = List.of(path.split("\\.", -1));
    return item -> {
      var found = item;
      for (var part : names) {
        found = lookup.item(found, part.matches("\\d{1,9}") ? (Object) Long.valueOf(part) : part);
      }
      return found;
    };
  }

  /// The same with `default` where there is nothing.
  private Function<Object, Object> getterOrDefault(Arguments.Bound bound) {
    return getter(bound).andThen(found -> found instanceof Undefined ? bound.get("default", found) : found);
  }

  private static Object folded(Object value, boolean caseSensitive) {
    return value instanceof String text && !caseSensitive ? text.toLowerCase(Locale.ROOT) : value;
  }

  private String join(Object value, Arguments.Bound bound) {
    var separator = Spelling.text(bound.get("d", ""), budget);
    var get = getter(bound);
    var out = new StringBuilder();
    boolean first = true;
    for (var item : Values.items(value, budget)) {
      var text = Spelling.text(get.apply(item), budget);
      budget.make(separator.length() + (long) text.length());
      out.append(first ? "" : separator).append(text);
      first = false;
    }
    return out.toString();
  }

  private List<Object> mapped(Object value, Arguments arguments) {
    Function<Object, Object> change;
    if (arguments.positional().isEmpty()) {
      var bound = arguments.bind("map", "attribute", "default");
      change = getterOrDefault(bound);
    } else if (arguments.positional().getFirst() instanceof String name) {
      change = item -> filters.filter(name, item, arguments.rest());
    } else {
      throw new TemplateException("map needs the name of a filter");
    }
    var items = copy(value);
    items.replaceAll(change::apply);
    return items;
  }

  private List<Object> selected(String name, Object value, Arguments arguments) {
    var left = arguments;
    Function<Object, Object> get = item -> item;
    if (name.endsWith("attr")) {
      if (left.positional().isEmpty()) {
        throw new TemplateException(name + " needs the name of an attribute");
      }
      get = getter(new Arguments.Bound(name, Map.of("attribute", left.positional().getFirst())));
      left = left.rest();
    }
    Predicate<Object> test = Values::isTrue;
    if (!left.positional().isEmpty()) {
      if (!(left.positional().getFirst() instanceof String testName)) {
        throw new TemplateException(name + " needs the name of a test");
      }
      var rest = left.rest();
      test = item -> tests.test(testName, item, rest);
    }
    boolean wanted = name.startsWith("select");
    var kept = new ArrayList<Object>();
    for (var item : copy(value)) {
      budget.step();
      if (test.test(get.apply(item)) == wanted) {
        kept.add(item);
      }
    }
    return kept;
  }

  private List<Object> sorted(List<Object> items, Arguments.Bound bound) {
    var get = getter(bound);
    boolean caseSensitive = bound.flag("case_sensitive");
    Comparator<Object> order = Comparator.comparing(
        item -> folded(get.apply(item), caseSensitive), this::compare);
    items.sort(bound.flag("reverse") ? order.reversed() : order);
    return items;
  }

  private int compare(Object left, Object right) {
    return Values.compare(left, right, budget);
  }

  private List<Object> unique(Object value, Arguments.Bound bound) {
    var get = getter(bound);
    var seen = new LinkedHashMap<Object, Object>();
    for (var item : copy(value)) {
      seen.putIfAbsent(Values.key(folded(get.apply(item), bound.flag("case_sensitive"))), item);
    }
    return new ArrayList<>(seen.values());
  }

  private Object extreme(String name, Object value, Arguments.Bound bound) {
    var sorted = sorted(copy(value), bound);
    return sorted.isEmpty() ? new Undefined("the " + name + " of an empty list")
        : name.equals("min") ? sorted.getFirst() : sorted.getLast();
  }

  private Object sum(Object value, Arguments.Bound bound) {
    var get = getter(bound);
    var total = bound.get("start", 0L);
    var operators = new Operators(budget);
    for (var item : copy(value)) {
      total = operators.binary("+", total, get.apply(item));
    }
    return total;
  }

  private Object dictSort(Object value, Arguments.Bound bound) {
    if (!(value instanceof Map<?, ?> map)) {
      throw new TemplateException("dictsort needs a map, not " + Values.kind(value));
    }
    long position = switch (bound.text("by", "key")) {
      case "key" -> 0;
      case "value" -> 1;
      default -> throw new TemplateException("dictsort sorts by 'key' or 'value'");
    };
    return sorted(Methods.items(Values.map(map)), new Arguments.Bound("dictsort", Map.of(
        "attribute", position, "case_sensitive", bound.flag("case_sensitive"), "reverse", bound.flag("reverse"))));
  }

  private Object groups(Object value, Arguments.Bound bound) {
    var get = getterOrDefault(bound);
    boolean caseSensitive = bound.flag("case_sensitive");
    var groups = new LinkedHashMap<Object, List<Object>>();
    var names = new LinkedHashMap<Object, Object>();
    for (var item : sorted(copy(value), bound)) {
      var name = get.apply(item);
      var key = Values.key(folded(name, caseSensitive));
      names.putIfAbsent(key, name);
      groups.computeIfAbsent(key, _ -> new ArrayList<>()).add(item);
    }
    var result = new ArrayList<Object>();
    groups.forEach((key, items) -> result.add(Tuple.of(names.getOrDefault(key, key), items)));
    return result;
  }

  private Object batches(Object value, Arguments.Bound bound) {
    long size = bound.number("linecount", 0);
    var result = new ArrayList<Object>();
    List<Object> batch = new ArrayList<>();
    for (var item : copy(value)) {
      if (batch.size() == size) {
        result.add(batch);
        batch = new ArrayList<>();
      }
      batch.add(item);
    }
    if (!batch.isEmpty()) {
      while (bound.has("fill_with") && batch.size() < size) {
        budget.make(1);
        batch.add(bound.get("fill_with"));
      }
      result.add(batch);
    }
    return new Generated(result);
  }

  private Object slices(Object value, Arguments.Bound bound) {
    var items = copy(value);
    long count = bound.number("slices", 0);
    if (count < 1 || count > 100_000) {
      throw new TemplateException("slice needs a count of at least one");
    }
    long each = items.size() / count;
    long larger = items.size() % count;
    var result = new ArrayList<Object>();
    int from = 0;
    for (long i = 0; i < count; i++) {
      int to = from + (int) each + (i < larger ? 1 : 0);
      var slice = new ArrayList<>(items.subList(from, to));
      if (bound.has("fill_with") && i >= larger && larger > 0) {
        slice.add(bound.get("fill_with"));
      }
      budget.make(1);
      result.add(slice);
      from = to;
    }
    return new Generated(result);
  }
}
