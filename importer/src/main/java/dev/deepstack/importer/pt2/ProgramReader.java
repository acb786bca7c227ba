package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.ExportedProgram.Dialect;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.MalformedModelException;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Reads the JSON of one program. Unknown keys are ignored, so that newer minor versions can be read.
final class ProgramReader {
  static final int SCHEMA_MAJOR = 8;

  private final JsonCursor json;
  private final Place place;
  private final GraphReader graphs;

  private @Nullable GraphModel graph;
  private @Nullable Signature signature;
  private CallingConvention convention = CallingConvention.UNKNOWN;

  private ProgramReader(JsonCursor json, Place place) {
    this.json = json;
    this.place = place;
    this.graphs = new GraphReader(json);
  }

  static ExportedProgram read(MemorySegment text, Place place) {
    try (var json = new JsonCursor(text, place)) {
      return new ProgramReader(json, place).program();
    } catch (MalformedModelException e) {
      // The version may come last, and explains best why the rest is not as expected.
      checkVersion(text, place);
      throw e;
    }
  }

  private static void checkVersion(MemorySegment text, Place place) {
    try (var json = new JsonCursor(text, place)) {
      for (var key = json.enter(); key != null; key = json.next()) {
        if (key.equals("schema_version")) {
          Version.read(json).check(place);
        } else {
          json.skip();
        }
      }
    } catch (MalformedModelException e) {
      return;
    }
  }

  private record Version(long major, long minor) {
    static Version read(JsonCursor json) {
      Long major = null;
      Long minor = null;
      for (var key = json.enter(); key != null; key = json.next()) {
        switch (key) {
          case "major" -> major = json.integer();
          case "minor" -> minor = json.integer();
          default -> json.skip();
        }
      }
      return new Version(json.require(major, "major"), json.require(minor, "minor"));
    }

    void check(Place place) {
      if (major != SCHEMA_MAJOR) {
        throw place.unsupported("the program has schema version " + major + "." + minor + ", but only "
            + SCHEMA_MAJOR + ".x is read; export the model again with torch 2.6 or later"
            + (major > SCHEMA_MAJOR ? ", or use a newer DeepStack" : ""));
      }
      if (minor < 0 || minor > Integer.MAX_VALUE) {
        throw place.malformed("its schema version " + major + "." + minor + " cannot be");
      }
    }
  }

  private ExportedProgram program() {
    Version version = null;
    var torch = "";
    boolean module = false;
    List<String> verifiers = List.of();
    SequencedMap<String, DimRange> ranges = new LinkedHashMap<>();
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "graph_module" -> {
          graphModule();
          module = true;
        }
        case "range_constraints" -> ranges = json.map(this::range);
        case "schema_version" -> version = Version.read(json);
        case "torch_version" -> torch = json.string();
        case "verifiers" -> verifiers = json.list(json::string);
        case "dialect" -> verifiers = List.of(json.string());
        default -> json.skip();
      }
    }
    json.end();
    var schema = json.require(version, "schema_version");
    schema.check(place);
    if (!module) {
      throw json.malformed("lacks \"graph_module\"");
    }
    var specs = json.require(signature, "signature");
    ranges.keySet().removeIf(name -> !name.matches("[A-Za-z_][A-Za-z0-9_]*"));
    if (!graphs.missing().isEmpty()) {
      throw place.unsupported("sizes of this program need what DeepStack lacks: "
          + String.join("; ", graphs.missing()) + "; export with simpler dynamic shapes");
    }
    var program = new ExportedProgram(json.require(graph, "graph"), specs, ranges,
        convention.inputNames(specs), convention.outputNames(specs), dialect(verifiers), torch,
        SCHEMA_MAJOR, (int) schema.minor());
    new ProgramCheck(place).check(program);
    return program;
  }

  private Dialect dialect(List<String> verifiers) {
    if (verifiers.contains("TRAINING")) {
      return Dialect.TRAINING;
    }
    if (verifiers.isEmpty() || verifiers.contains("ATEN")) {
      return Dialect.ATEN;
    }
    throw place.unsupported("the program is in the dialect " + Place.quote(String.join(", ", verifiers))
        + "; save the result of torch.export itself");
  }

  private void graphModule() {
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "graph" -> graph = graphs.read();
        case "signature" -> signature = new SignatureReader(json, graphs.arguments()).read();
        case "module_call_graph" -> json.list(this::moduleCall);
        default -> json.skip();
      }
    }
  }

  /// Only the entry of the whole module matters.
  private boolean moduleCall() {
    String name = null;
    CallingConvention call = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "fqn" -> name = json.string();
        case "signature" -> call = json.orNull(this::convention);
        default -> json.skip();
      }
    }
    if ("".equals(name) && call != null) {
      convention = call;
    }
    return true;
  }

  private CallingConvention convention() {
    String inputs = null;
    String outputs = null;
    List<String> parameters = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "in_spec" -> inputs = json.string();
        case "out_spec" -> outputs = json.string();
        case "forward_arg_names" -> parameters = json.orNull(() -> json.list(json::string));
        default -> json.skip();
      }
    }
    return new CallingConvention(spec(inputs), spec(outputs), parameters == null ? List.of() : parameters);
  }

  private @Nullable TreeSpec spec(@Nullable String text) {
    return text == null || text.isEmpty() ? null : TreeSpec.parse(text, place);
  }

  private DimRange range() {
    Long min = null;
    Long max = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "min_val" -> min = json.orNull(json::integer);
        case "max_val" -> max = json.orNull(json::integer);
        default -> json.skip();
      }
    }
    var range = new DimRange(min == null ? Long.MIN_VALUE : min, max == null ? Long.MAX_VALUE : max);
    if (range.min() > range.max()) {
      throw json.malformed("is an empty range");
    }
    return range;
  }
}
