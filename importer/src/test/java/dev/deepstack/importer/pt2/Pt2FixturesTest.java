package dev.deepstack.importer.pt2;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.importer.pt2.ExportedProgram.Dialect;
import dev.deepstack.importer.pt2.Signature.InputSpec;
import dev.deepstack.importer.pt2.Signature.OutputSpec;
import dev.deepstack.tensor.Safetensors;
import dev.deepstack.tensor.StridedTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class Pt2FixturesTest {
  /// Written by the export of this program itself: tracing changed the stored value.
  private static final String CHANGED_BY_TRACING = "cumulative_length";

  static List<Path> files() {
    return Fixtures.all();
  }

  @Test
  void thereAreFixtures() {
    assertThat(files()).hasSizeGreaterThan(50);
  }

  @ParameterizedTest
  @MethodSource("files")
  void weightsAreTheStoredOnes(Path file) {
    var reference = file.resolveSibling("weights.safetensors");
    if (!Files.exists(reference)) {
      return;
    }
    try (var arena = Arena.ofConfined()) {
      var model = Pt2Archive.open(file, arena);
      int compared = 0;
      for (var expected : Safetensors.read(reference, arena).entrySet()) {
        var name = expected.getKey();
        var table = model.weights().contains(name) ? model.weights() : model.constants();
        if (table.contains(name) && !name.startsWith(CHANGED_BY_TRACING)) {
          var actual = table.tensor(name).contiguous(arena);
          assertThat(actual.dtype()).as(name).isEqualTo(expected.getValue().dtype());
          assertThat(actual.shape()).as(name).isEqualTo(expected.getValue().shape());
          assertThat(actual.data().mismatch(expected.getValue().data())).as(name).isEqualTo(-1);
          compared++;
        }
      }
      assertThat(compared).isPositive();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void signatureAndOperatorsAreThoseOfTheManifest(Path file) throws IOException {
    var manifest = JsonMapper.shared().readTree(Files.readString(file.resolveSibling("manifest.json")));
    boolean core = file.getFileName().toString().contains(".core.");
    boolean newest = !file.getFileName().toString().contains("torch2.6");
    var stated = manifest.get(core ? "core" : "export");
    try (var arena = Arena.ofConfined()) {
      var program = Pt2Archive.open(file, arena).program();
      var signature = program.signature();
      assertThat(program.dialect()).isEqualTo(core ? Dialect.ATEN : Dialect.TRAINING);
      assertThat(program.schemaMinor()).isEqualTo(newest ? 20 : 2);
      assertThat(program.torchVersion()).startsWith(newest ? "2.14" : "2.6");
      assertThat(signature.inputs().stream().filter(InputSpec.Parameter.class::isInstance).count())
          .isEqualTo(stated.get("parameters").asLong());
      if (newest) {
        assertThat(signature.inputs().stream().map(Pt2FixturesTest::text).filter(text -> !text.isEmpty()))
            .containsExactlyElementsOf(stated.get("inputs").valueStream().map(Pt2FixturesTest::text)
                .toList());
        assertThat(signature.outputs().stream().map(Pt2FixturesTest::text))
            .containsExactlyElementsOf(stated.get("outputs").valueStream().map(Pt2FixturesTest::text)
                .toList());
        assertThat(operators(program.graph())).isEqualTo(operators(stated.get("ops")));
      }
    }
  }

  /// Kind and target; the manifest counts parameters only, so these are left out.
  private static String text(InputSpec spec) {
    return switch (spec) {
      case InputSpec.Parameter _ -> "";
      case InputSpec.Buffer(_, var name, var persistent) -> "BUFFER " + name + " " + persistent;
      case InputSpec.TensorConstant(_, var name) -> "CONSTANT_TENSOR " + name;
      case InputSpec.CustomObj(_, var name) -> "CUSTOM_OBJ " + name;
      case InputSpec.Token _ -> "TOKEN";
      case InputSpec.ConstantInput _, InputSpec.UserInput _ -> "USER_INPUT";
    };
  }

  private static String text(OutputSpec spec) {
    return switch (spec) {
      case OutputSpec.BufferMutation(_, var name) -> "BUFFER_MUTATION " + name;
      case OutputSpec.UserOutput _ -> "USER_OUTPUT";
      default -> spec.toString();
    };
  }

  private static String text(JsonNode spec) {
    var text = spec.get("kind").asString();
    text += spec.hasNonNull("target") ? " " + spec.get("target").asString() : "";
    return text + (spec.hasNonNull("persistent") ? " " + spec.get("persistent").asBoolean() : "");
  }

  /// Calls by operator. The file folds `getitem` nodes into nodes with several outputs.
  private static Map<String, Long> operators(GraphModel graph) {
    var counts = new TreeMap<String, Long>();
    count(graph, counts);
    return counts;
  }

  private static void count(GraphModel graph, Map<String, Long> counts) {
    for (var node : graph.nodes()) {
      if (node.target().startsWith("torch.ops.aten.")) {
        counts.merge(node.target().substring("torch.ops.".length()), 1L, Long::sum);
      }
      for (var input : node.inputs()) {
        if (input.arg() instanceof Argument.GraphArg(_, var inner)) {
          count(inner, counts);
        }
      }
    }
  }

  private static Map<String, Long> operators(JsonNode stated) {
    var counts = new TreeMap<String, Long>();
    for (var entry : stated.properties()) {
      if (entry.getKey().startsWith("aten.")) {
        counts.put(entry.getKey(), entry.getValue().asLong());
      }
    }
    return counts;
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyBoundInputHasItsTensor(Path file) {
    try (var arena = Arena.ofConfined()) {
      var model = Pt2Archive.open(file, arena);
      var graph = model.program().graph();
      for (int i = 0; i < graph.inputs().size(); i++) {
        var spec = model.program().signature().inputs().get(i);
        if (spec instanceof InputSpec.Buffer(_, var name, _) && !model.weights().contains(name)
            && !model.constants().contains(name)
            || spec instanceof InputSpec.Parameter(_, var parameter)
                && model.weights().refusedNames().contains(parameter)
            || spec instanceof InputSpec.Buffer(_, var buffer, _)
                && model.weights().refusedNames().contains(buffer)) {
          continue;
        }
        var tensor = model.tensor(spec);
        if (tensor != null) {
          var meta = graph.tensorValues().get(graph.inputs().get(i).valueNames().getFirst());
          var part = meta.type().part();
          long[] shape = meta.shape().toLongs();
          assertThat(tensor.dtype()).isEqualTo(part == null ? meta.dtype() : part);
          assertThat(tensor.shape()).isEqualTo(part == null ? shape : LongStream.concat(LongStream.of(shape),
              LongStream.of(2)).toArray());
        }
      }
      assertThat(model.program().inputNames()).doesNotHaveDuplicates();
      assertThat(model.program().outputNames()).doesNotHaveDuplicates();
    }
  }

  @ParameterizedTest
  @MethodSource("zoos")
  void sharedStoragesStayShared(Path file) {
    try (var arena = Arena.ofConfined()) {
      var model = Pt2Archive.open(file, arena);
      var bySegment = new TreeMap<Long, List<String>>();
      model.weights().tensors().forEach((name, tensor) -> bySegment.merge(tensor.storage().address(),
          List.of(name), (a, b) -> java.util.stream.Stream.concat(a.stream(), b.stream()).toList()));
      assertThat(bySegment.values()).anyMatch(names -> names.size() > 1);
      for (var names : bySegment.values()) {
        var first = model.weights().tensor(names.getFirst()).storage();
        if (first.byteSize() > 0) {
          assertThat(names).allMatch(name -> model.weights().tensor(name).storage() == first
              || model.weights().tensor(name).storage().byteSize() == 0);
        }
      }
      assertThat(model.weights().tensors().values()).anyMatch(Pt2FixturesTest::isRepeated);
      assertThat(model.weights().refusedNames()).isEmpty();
      assertThat(model.weights().tensor("cx").shape()).endsWith(2);
    }
  }

  static List<Path> zoos() {
    return Fixtures.all().stream().filter(file -> file.getParent().endsWith("weights_zoo")).toList();
  }

  private static boolean isRepeated(StridedTensor tensor) {
    for (int i = 0; i < tensor.shape().length; i++) {
      if (tensor.shape()[i] > 1 && tensor.strides()[i] == 0) {
        return true;
      }
    }
    return false;
  }

  @Test
  void namesAreThoseOfTheCaller() {
    try (var arena = Arena.ofConfined()) {
      var arguments = Pt2Archive.open(Fixtures.file("arg_kinds/model.pt2"), arena).program();
      assertThat(arguments.inputNames())
          .containsExactly("x", "idx", "scale", "flag", "mode", "extra", "times");
      assertThat(arguments.outputNames())
          .containsExactly("a", "b", "c", "d", "e", "f", "gh.0", "gh.1", "i.0", "i.1",
          "j", "k", "l", "m");
      var llama = Pt2Archive.open(Fixtures.file("hf_llama/model.pt2"), arena).program();
      assertThat(llama.inputNames()).containsExactly("input_ids", "cache_position");
      assertThat(llama.outputNames()).containsExactly("output");
    }
  }

  @Test
  void mutatedConstantsAliasTheBuffersTheyCameFrom() {
    try (var arena = Arena.ofConfined()) {
      var constants = Pt2Archive.open(Fixtures.file("hf_llama_nonstrict/model.pt2"), arena).constants();
      var cache = constants.tensor("key_cache_0").storage();
      assertThat(constants.tensors().entrySet().stream()
          .filter(entry -> entry.getValue().storage() == cache).map(Map.Entry::getKey))
          .hasSize(2).contains("key_cache_0").anyMatch(name -> name.contains("lifted"));
    }
  }

  @Test
  void sizesAreSymbolic() {
    try (var arena = Arena.ofConfined()) {
      var program = Pt2Archive.open(Fixtures.file("sym_ops/model.pt2"), arena).program();
      assertThat(program.graph().tensorValues().values().stream().map(meta -> meta.shape().toString()))
          .contains("[2+floordiv(s77,2)]");
      assertThat(program.ranges().get("s77").max()).isEqualTo(99);
    }
  }

  @Test
  void subGraphsAreInlined() {
    try (var arena = Arena.ofConfined()) {
      var program = Pt2Archive.open(Fixtures.file("hop_cond/model.pt2"), arena).program();
      var cond = program.graph().nodes().stream()
          .filter(node -> node.target().equals("torch.ops.higher_order.cond")).findFirst().orElseThrow();
      assertThat(cond.inputs().get(1).arg()).isInstanceOf(Argument.GraphArg.class);
      assertThat(((Argument.GraphArg) cond.inputs().get(1).arg()).graph().nodes()).isNotEmpty();
    }
  }
}
