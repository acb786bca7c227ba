package dev.deepstack.importer.aten;

import dev.deepstack.importer.pt2.Node;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/// What a program needs and DeepStack lacks, gathered over the whole program.
final class Missing {
  private static final String PREFIX = "torch.ops.";

  private record Place(int count, String first) {}

  private final SequencedMap<String, Place> places = new LinkedHashMap<>();

  void operator(Node node) {
    add(shortName(node.target()), where(node));
  }

  void part(Node node, String reason) {
    add(shortName(node.target()) + " (" + reason + ")", where(node));
  }

  void effect(String what) {
    add(what, "the signature");
  }

  private void add(String what, String where) {
    places.merge(what, new Place(1, where), (old, _) -> new Place(old.count() + 1, old.first()));
  }

  private static String shortName(String target) {
    return target.startsWith(PREFIX) ? target.substring(PREFIX.length()) : target;
  }

  private static String where(Node node) {
    String stack = node.moduleStack();
    if (stack != null && !stack.isEmpty()) {
      String[] innermost = stack.substring(stack.lastIndexOf(';') + 1).split(",", -1);
      if (innermost.length > 1 && !innermost[1].isEmpty()) {
        return innermost[1];
      }
    }
    var outputs = node.outputs().stream().flatMap(o -> o.valueNames().stream()).toList();
    return outputs.isEmpty() ? "a node without results" : "node " + outputs.getFirst();
  }

  boolean isEmpty() {
    return places.isEmpty();
  }

  /// @throws UnsupportedModelException naming everything, when there is anything
  void report() {
    if (places.isEmpty()) {
      return;
    }
    var text = new StringBuilder("the program uses ").append(places.size())
        .append(places.size() == 1 ? " thing" : " things").append(" that DeepStack does not support:");
    places.forEach((what, place) -> text.append("\n  ").append(what).append(", ").append(place.count())
        .append(place.count() == 1 ? " time, in " : " times, first in ").append(place.first()));
    text.append("\nRewrite these parts with supported operators and export again; "
        + "run_decompositions() before saving may already do it.");
    throw new UnsupportedModelException(text.toString());
  }
}
