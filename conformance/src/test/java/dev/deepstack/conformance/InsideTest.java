package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.cli.Main;
import dev.deepstack.codegen.llvm.ClockedProgram;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCodegen;
import dev.deepstack.importer.ImportedModel;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.ir.Graph;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.program.Program;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.runtime.Executable;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Safetensors;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What `bench FILE.pt2` and `inspect --html` say of a model's kernels.
class InsideTest {
  private static final Path FIXTURES = Path.of("fixtures");
  private static final Pattern LINK = Pattern.compile("href='#([ab][0-9]+-[0-9]+)'");

  @TempDir Path folder;

  private record Ran(int code, String out, String err) {}

  private static Ran deepstack(Object... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Main.execute(new PrintWriter(out), new PrintWriter(err, true),
        java.util.Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    return new Ran(code, out.toString(), err.toString());
  }

  /// With a clock and barriers a program does what it did, and each kernel's time is a part of the step's.
  @ParameterizedTest
  @ValueSource(strings = {"pt2/resnet_tiny", "pt2/bilstm", "pt2/hop_while", "pt2/hop_cond", "more/flow_scan_scan"})
  void aClockChangesNothing(String fixture) {
    try (Arena arena = Arena.ofShared()) {
      ImportedModel model = Pt2Importer.read(FIXTURES.resolve(fixture, "model.pt2"), arena);
      Graph graph = Pipeline.standard().run(model.graph());
      Program plain = LlvmCodegen.compile(graph, CpuTarget.host(), ObjectCache.none());
      ClockedProgram clocked = LlvmCodegen.clocked(graph, CpuTarget.host(), ObjectCache.none());
      assertThat(clocked.uses()).hasSameSizeAs(plain.kernels());
      Map<String, HostTensor> given = Safetensors.read(FIXTURES.resolve(fixture, "golden_in.safetensors"), arena);
      for (int threads = 1; threads <= 2; threads++) {
        var expected = run(plain, model, given, threads);
        var actual = run(clocked.program(), model, given, threads);
        HostTensor cycles = actual.remove(ClockedProgram.CYCLES);
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        actual.forEach((name, tensor) ->
            assertThat(tensor.data().mismatch(Objects.requireNonNull(expected.get(name)).data())).isEqualTo(-1));
        long sum = 0;
        for (int i = 0; i < plain.kernels().size(); i++) {
          assertThat(cycles.getLong(i)).isNotNegative();
          sum += cycles.getLong(i);
        }
        assertThat(sum).isPositive().isLessThanOrEqualTo(cycles.getLong(plain.kernels().size()));
      }
    }
  }

  private static SequencedMap<String, HostTensor> run(
      Program program, ImportedModel model, Map<String, HostTensor> given, int threads) {
    try (var executable = Executable.open(List.of(program), n -> Objects.requireNonNull(model.weights().get(n)),
        model.states(), threads)) {
      var inputs = new LinkedHashMap<String, HostTensor>();
      for (int i = 0; i < program.inputs().size(); i++) {
        inputs.put(program.inputs().get(i).name(), Objects.requireNonNull(given.get("s0.t0.in" + i)));
      }
      return executable.run(inputs);
    }
  }

  @Test
  void benchSaysWhatEachKernelTakes() {
    Ran ran = deepstack("bench", FIXTURES.resolve("pt2/resnet_tiny/model.pt2"), "--size", "s77=2", "--json");
    assertThat(ran.err).isEmpty();
    JsonNode profile = JsonMapper.shared().readTree(ran.out);
    assertThat(profile.path("sizes").path("s77").asLong()).isEqualTo(2);
    assertThat(profile.path("rows")).hasSize(profile.path("kernels").asInt());
    assertThat(profile.path("functions").asInt()).isBetween(1, profile.path("kernels").asInt());
    double shares = 0;
    for (JsonNode row : profile.path("rows")) {
      shares += row.path("share").asDouble();
      assertThat(row.path("bytes").asDouble()).isPositive();
      assertThat(row.path("bound").asString()).isIn("memory", "arithmetic", "the call");
    }
    assertThat(shares).isCloseTo(1, within(1e-6));
    for (String positive : List.of("step_ms", "clocked_step_ms", "kernels_ms", "read_gb_s", "fma_gflop_s")) {
      assertThat(profile.path(positive).asDouble()).as(positive).isPositive();
    }
  }

  @Test
  void whatCannotBeProfiledIsRefused() {
    Path model = FIXTURES.resolve("pt2/resnet_tiny/model.pt2");
    for (Ran ran : List.of(deepstack("bench", model, "--size", "nope=2"),
        deepstack("bench", model, "--size", "s77=9999"), deepstack("bench", model, "--threads", -1),
        deepstack("bench", model, "--threads", 9999),
        deepstack("bench", model, "--inputs", "no.safetensors"), deepstack("bench", "no.pt2"),
        deepstack("inspect", model, "--html", folder.resolve("no/page.html")))) {
      assertThat(ran.code).isEqualTo(1);
      assertThat(ran.out).isEmpty();
      assertThat(ran.err.strip()).startsWith("deepstack: ").hasSizeBetween(30, 400).doesNotContain("Exception", "\n");
    }
  }

  /// One page, nothing fetched, and every link leads to a line that is there.
  @Test
  void inspectWritesAPage() throws IOException {
    Path page = folder.resolve("page.html");
    Ran ran = deepstack("inspect", FIXTURES.resolve("pt2/bilstm/model.pt2"), "--html", page);
    assertThat(ran.err).isEmpty();
    String html = Files.readString(page);
    assertThat(html).startsWith("<!doctype html>").endsWith("</html>\n")
        .doesNotContain("http:", "https:", "src=", "@import", "url(")
        .contains("Kernels", "Memory over the step", "As imported", "After the passes", "Bound by", "body 0 for");
    var links = LINK.matcher(html).results().map(m -> m.group(1)).distinct().toList();
    assertThat(links).hasSizeGreaterThan(50).allSatisfy(l -> assertThat(html).contains("id='" + l + "'"));
    assertThat(html.split("<svg", -1)).hasSameSizeAs(html.split("</svg>", -1)).hasSize(3);
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(page);
    }
  }
}
