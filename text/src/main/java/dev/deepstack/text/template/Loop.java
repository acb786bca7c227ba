package dev.deepstack.text.template;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The name `loop` inside a loop.
final class Loop implements Callable {
  private final List<Object> items;
  private final int depth;
  private final Budget budget;
  private final Function<Object, Object> recursion;
  private int index = -1;
  private @Nullable Object lastChecked;

  /// @param recursion what calling the loop does
  Loop(List<Object> items, int depth, Budget budget, Function<Object, Object> recursion) {
    this.items = items;
    this.depth = depth;
    this.budget = budget;
    this.recursion = recursion;
  }

  boolean next() {
    return ++index < items.size();
  }

  Object item() {
    return items.get(index);
  }

  Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> items.size() - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "depth" -> (long) depth;
      case "depth0" -> depth - 1L;
      case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("the item before the first");
      case "nextitem" -> index + 1 < items.size()
          ? items.get(index + 1) : new Undefined("the item after the last");
      case "cycle" -> (Callable) arguments -> {
        if (arguments.positional().isEmpty()) {
          throw new TemplateException("loop.cycle needs something to cycle through");
        }
        return arguments.positional().get(index % arguments.positional().size());
      };
      case "changed" -> (Callable) arguments -> {
        var now = new Tuple(arguments.positional());
        boolean changed = lastChecked == null || !Values.equal(lastChecked, now, budget);
        lastChecked = now;
        return changed;
      };
      default -> new Undefined("'" + name + "' of a loop");
    };
  }

  @Override
  public Object call(Arguments arguments) {
    return recursion.apply(arguments.bind("loop", "items").get("items"));
  }

  @Override
  public String name() {
    return "loop";
  }
}
