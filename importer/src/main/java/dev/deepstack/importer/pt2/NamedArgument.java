package dev.deepstack.importer.pt2;

/// One argument of a node. `name` is the operator's parameter name; it is empty for sub-graph operators,
/// whose arguments go by position. Arguments equal to the operator's default are usually not written.
public record NamedArgument(String name, Argument arg, Kind kind) {
  /// How Python was called; match arguments by name all the same.
  public enum Kind {
    UNKNOWN,
    POSITIONAL,
    KEYWORD
  }
}
