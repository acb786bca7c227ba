package dev.deepstack.conformance;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// Who may import whom: the table that ARCHITECTURE.md draws.
final class Rooms {
  /// What turns a model into a program.
  static final Set<String> COMPILE_SIDE = Set.of("models", "importer", "passes", "codegen", "compiler");

  /// What runs a program, also where nothing can be compiled.
  static final Set<String> RUN_SIDE = Set.of("runtime", "text", "api");

  /// Interfaces that the run side declares and the compile side implements.
  static final List<String> PORTS = List.of("api.ModelCompiler");

  /// Each room with the rooms it may import.
  static final Map<String, Set<String>> MAY_IMPORT = Map.ofEntries(
      Map.entry("testkit", Set.of()),
      Map.entry("tensor", Set.of()),
      Map.entry("ir", Set.of("tensor")),
      Map.entry("reference", Set.of("tensor", "ir")),
      Map.entry("models", Set.of("tensor", "ir")),
      Map.entry("planner", Set.of("tensor", "ir", "models")),
      Map.entry("importer", Set.of("tensor", "ir", "models")),
      Map.entry("passes", Set.of("tensor", "ir")),
      Map.entry("program", Set.of("tensor")),
      Map.entry("codegen", Set.of("tensor", "ir", "program")),
      Map.entry("runtime", Set.of("tensor", "program")),
      Map.entry("text", Set.of()),
      Map.entry("hub", Set.of("tensor")),
      Map.entry("compiler",
          Set.of("tensor", "ir", "models", "importer", "passes", "codegen", "program", "api")),
      Map.entry("api", Set.of("tensor", "program", "runtime", "text")),
      Map.entry("cli", Set.of("tensor", "ir", "reference", "models", "planner", "importer", "passes", "program",
          "codegen", "runtime", "text", "hub", "compiler", "api")));

  private Rooms() {}
}
