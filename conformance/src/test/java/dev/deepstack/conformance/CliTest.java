package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.cli.Main;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Safetensors;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The commands as a user types them.
final class CliTest {
  private static final Path FIXTURES = Checkout.ROOT.resolve("conformance/fixtures/pt2");
  private static final Path DEMO = Checkout.ROOT.resolve("models/demo");

  private static final String COMPILE_SIDE =
      ".*(bytedeco|/(deepstack-)?(ir|reference|importer|passes|codegen|compiler)[-/]).*";

  @TempDir Path folder;

  /// What a command left.
  private record Ran(int code, String out, String err) {}

  private static Ran deepstack(Object... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Main.execute(new PrintWriter(out), new PrintWriter(err, true),
        java.util.Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    return new Ran(code, out.toString(), err.toString());
  }

  private static JsonNode json(Ran ran) {
    assertThat(ran.err).isEmpty();
    assertThat(ran.code).isZero();
    return JsonMapper.shared().readTree(ran.out);
  }

  /// One clear sentence, exit code not 0, no trace of Java.
  private static void assertRefused(String what, Ran ran) {
    assertRefused(what, 1, ran);
  }

  private static void assertRefused(String what, int code, Ran ran) {
    assertThat(ran.code).as(what).isEqualTo(code);
    assertThat(ran.out).as(what).isEmpty();
    assertThat(ran.err.strip()).as(what).startsWith("deepstack: ").hasSizeBetween(30, 400)
        .doesNotContain("Exception", "\tat ", "internal error").doesNotContain("\n");
  }

  @Test
  void theDemoSaysWhatPyTorchSaid() throws IOException {
    JsonNode golden = JsonMapper.shared().readTree(Files.readString(DEMO.resolve("golden.json")));
    Path program = folder.resolve("demo.dsp");
    assertThat(deepstack("compile", DEMO, "-o", program, "--no-cache").code).isZero();
    for (JsonNode example : golden.path("cases")) {
      for (Path model : new Path[] {DEMO, program}) {
        JsonNode answer = json(deepstack("run", model, "--prompt", example.path("prompt").asString(),
            "--temperature", 0, "--max-tokens", 96, "--json"));
        assertThat(answer.path("token_ids")).isEqualTo(example.path("greedy_ids"));
        assertThat(answer.path("text").asString()).isEqualTo(example.path("greedy_text").asString());
        assertThat(answer.path("prefill_tok_s").asDouble()).isPositive();
        assertThat(answer.path("decode_tok_s").asDouble()).isPositive();
        assertThat(answer.path("roofline_share").asDouble()).isPositive();
      }
    }
  }

  @Test
  void aSeedRepeatsItsText() {
    String[] texts = IntStream.of(5, 5, 6).mapToObj(seed -> json(deepstack("run", DEMO, "--prompt", "KING",
        "--seed", seed, "--max-tokens", 24, "--json")).path("text").asString()).toArray(String[]::new);
    assertThat(texts[0]).isEqualTo(texts[1]).isNotEqualTo(texts[2]);
  }

  @Test
  void tokensAndStopsInsteadOfText() {
    JsonNode text = json(deepstack("run", DEMO, "--prompt", "ROMEO:", "-t", 0, "-n", 20, "--json"));
    String stopped = json(deepstack("run", DEMO, "--prompt", "ROMEO:", "-t", 0, "-n", 20, "--json", "--stop", "what"))
        .path("text").asString();
    assertThat(stopped).isEqualTo(text.path("text").asString().split("what")[0]);
    JsonNode answer = json(deepstack("run", DEMO, "--prompt-ids", "82, 79,17", "-t", 0, "-n", 5, "--json"));
    assertThat(answer.path("token_ids")).hasSize(5);
    assertThat(answer.path("finish").asString()).isEqualTo("length");
    assertRefused("no numbers", deepstack("run", DEMO, "--prompt-ids", "5,x"));
    assertRefused("too large", deepstack("run", DEMO, "--prompt-ids", "5,99999999"));
    assertThat(deepstack("run", DEMO, "--prompt-ids", "5", "--prompt", "x").code).isEqualTo(2);
  }

  @Test
  void benchMeasuresAModel() {
    JsonNode result = json(deepstack("bench", DEMO, "--prompt-tokens", "16,32", "--gen-tokens", 8, "--repeats", 1,
        "--json"));
    assertThat(result.path("read_gb_s").asDouble()).isPositive();
    assertThat(result.path("load_s").asDouble()).isPositive();
    assertThat(result.path("peak_rss_mb").asDouble()).isGreaterThan(20);
    assertThat(result.path("rows")).hasSize(2);
    for (JsonNode row : result.path("rows")) {
      assertThat(row.path("batch").asInt()).isEqualTo(1);
      for (String figure : new String[] {"prefill_tok_s", "decode_tok_s", "bytes_per_token", "roofline_share"}) {
        assertThat(row.path(figure).asDouble()).as(figure).isPositive();
      }
    }
    assertRefused("too long", deepstack("bench", DEMO, "--prompt-tokens", 5000));
    assertRefused("one sequence", deepstack("bench", DEMO, "--batch", "2", "--prompt-tokens", 16));
  }

  @Test
  void verifyPassesAndNoticesChanges() throws IOException {
    Path original = FIXTURES.resolve("bert_tiny");
    assertThat(json(deepstack("verify", original, "--no-cache", "--json")).path("passed").asBoolean()).isTrue();
    assertThat(deepstack("verify", original, "--engine", "reference").code).isZero();

    Path changed = Files.createDirectory(folder.resolve("changed"));
    for (String file : new String[] {"model.pt2", "manifest.json", "golden_in.safetensors"}) {
      Files.copy(original.resolve(file), changed.resolve(file));
    }
    try (Arena arena = Arena.ofConfined()) {
      var goldens = new LinkedHashMap<String, HostTensor>();
      Safetensors.read(original.resolve("golden_out.safetensors"), arena).forEach((name, t) -> {
        HostTensor copy = HostTensor.zeros(t.dtype(), t.shape());
        copy.data().copyFrom(t.data());
        copy.setDouble(0, copy.getDouble(0) + 0.01);
        goldens.put(name, copy);
      });
      Safetensors.write(changed.resolve("golden_out.safetensors"), goldens);
    }
    Ran ran = deepstack("verify", changed, "--no-cache");
    assertThat(ran.code).isEqualTo(1);
    assertThat(ran.out).contains("out of tolerance");
  }

  @Test
  void execCarriesState() {
    Path model = FIXTURES.resolve("llama_kv/model.pt2");
    Path saved = folder.resolve("state.safetensors");
    Path result = folder.resolve("out.safetensors");
    try (Arena arena = Arena.ofConfined()) {
      var given = Safetensors.read(FIXTURES.resolve("llama_kv/golden_in.safetensors"), arena);
      var expected = Safetensors.read(FIXTURES.resolve("llama_kv/golden_out.safetensors"), arena);
      for (int step = 0; step < 2; step++) {
        String prefix = "s0.t" + step + ".";
        Path inputs = folder.resolve("in" + step + ".safetensors");
        Safetensors.write(inputs, Map.of("in0", tensor(given, prefix + "in0"), "in1", tensor(given, prefix + "in1")));
        var state = step == 0 ? new Object[0] : new Object[] {"--state", saved};
        var args = java.util.stream.Stream.of(new Object[] {"exec", model, "--inputs", inputs, "--outputs", result,
            "--save-state", saved}, state).flatMap(java.util.Arrays::stream).toArray();
        assertThat(deepstack(args).err).isEmpty();
        float[] actual = tensor(Safetensors.read(result, arena), "out0").toFloats();
        float[] golden = tensor(expected, prefix + "out0").toFloats();
        for (int i = 0; i < golden.length; i++) {
          assertThat(actual[i]).isCloseTo(golden[i], org.assertj.core.data.Offset.offset(1e-4f));
        }
      }
    }
  }

  private static HostTensor tensor(Map<String, HostTensor> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  @Test
  void refusesBadModels() throws IOException {
    for (var bad : BadModels.write(folder).entrySet()) {
      assertRefused(bad.getKey(), deepstack("run", bad.getValue(), "--prompt", "x", "--no-cache"));
      assertRefused(bad.getKey(), deepstack("inspect", bad.getValue(), "--no-cache"));
    }
  }

  @Test
  void refusesBadInputs() {
    Path model = FIXTURES.resolve("llama_kv/model.pt2");
    Path in = folder.resolve("in.safetensors");
    Path out = folder.resolve("out.safetensors");
    HostTensor pos = HostTensor.of(new long[] {0, 1}, 2);
    HostTensor tokens = HostTensor.of(new long[] {1, 2}, 1, 2);
    Map<String, Map<String, HostTensor>> wrong = Map.of(
        "too few", Map.of("in0", tokens),
        "too many", Map.of("in0", tokens, "in1", pos, "in2", pos),
        "dtype", Map.of("in0", HostTensor.zeros(DType.F32, 1, 2), "in1", pos),
        "rank", Map.of("in0", pos, "in1", pos),
        "disagree", Map.of("in0", tokens, "in1", HostTensor.of(new long[] {0}, 1)),
        "too long", Map.of("in0", HostTensor.zeros(DType.I64, 1, 30), "in1", HostTensor.zeros(DType.I64, 30)),
        "token out of range", Map.of("in0", HostTensor.of(new long[] {1, 1 << 30}, 1, 2), "in1", pos),
        "position out of range", Map.of("in0", tokens, "in1", HostTensor.of(new long[] {0, 1 << 20}, 2)));
    wrong.forEach((what, inputs) -> {
      Safetensors.write(in, inputs);
      assertRefused(what, deepstack("exec", model, "--inputs", in, "--outputs", out));
      assertThat(out).as(what).doesNotExist();
    });
  }

  @Test
  void refusesBadRequests() {
    assertRefused("unknown model", deepstack("run", "nonsense", "--prompt", "x"));
    assertRefused("long prompt", deepstack("run", DEMO, "--prompt", "To be, or not to be. ".repeat(200)));
    assertRefused("no tokenizer", deepstack("run", FIXTURES.resolve("llama_kv/model.pt2"), "--prompt", "x"));
    assertRefused("not a language model", deepstack("run", FIXTURES.resolve("vit_tiny/model.pt2"), "--prompt", "x"));
    assertRefused("temperature", deepstack("run", DEMO, "--prompt", "x", "--temperature", -1));
    assertRefused("max tokens", deepstack("run", DEMO, "--prompt", "x", "--max-tokens", 0));
    assertRefused("threads", deepstack("run", DEMO, "--prompt", "x", "--threads", -3));
    assertRefused("cpu", deepstack("run", DEMO, "--prompt", "x", "--cpu", "z80"));
    assertRefused("output", deepstack("compile", DEMO, "-o", folder.resolve("none/demo.dsp"), "--no-cache"));
    assertRefused("bench threads", deepstack("bench", "kernels", "--threads", -1));
    assertRefused("no prompt", 2, deepstack("run", DEMO));
    assertRefused("no command", 2, deepstack("fly"));
    assertRefused("not a number", 2, deepstack("bench", DEMO, "--batch", "many"));
    assertThat(deepstack("run", DEMO, "--promt", "x").err).contains("is it --prompt");
  }

  /// No place for compiled code is worth a warning and no more.
  @Test
  void worksWithoutACache() throws IOException, InterruptedException {
    var builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), "dev.deepstack.cli.Main",
        "run", DEMO.toString(), "--prompt", "ROMEO:", "--temperature", "0", "--max-tokens", "5");
    builder.environment().put("DEEPSTACK_CACHE", "/proc/nowhere");
    var process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    assertThat(out).startsWith("ROMEO:\nAh, what");
    assertThat(err).contains("DEEPSTACK_CACHE").doesNotContain("Exception in", "\tat ");
  }

  /// A compiled program asks for neither our compiler nor LLVM, in a fresh cache too.
  @Test
  void runsProgramsWithoutACompiler() throws IOException, InterruptedException {
    Path program = folder.resolve("demo.dsp");
    assertThat(deepstack("compile", DEMO, "-o", program).code).isZero();
    String separator = System.getProperty("path.separator");
    String classPath = java.util.Arrays.stream(System.getProperty("java.class.path").split(separator))
        .filter(entry -> !entry.matches(COMPILE_SIDE))
        .collect(java.util.stream.Collectors.joining(separator));
    var builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-cp", classPath, "dev.deepstack.cli.Main",
        "run", program.toString(), "--prompt", "ROMEO:", "--temperature", "0", "--max-tokens", "5", "--json");
    builder.environment().put("DEEPSTACK_CACHE", folder.resolve("cache").toString());
    var process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(err).isZero();
    assertThat(JsonMapper.shared().readTree(out).path("roofline_share").asDouble()).isPositive();
  }

  @Test
  void everyCommandExplainsItself() {
    for (String command : new String[] {"run", "chat", "verify",
        "exec", "inspect", "compile", "pull", "doctor", "bench"}) {
      Ran ran = deepstack(command, "--help");
      assertThat(ran.code).isZero();
      assertThat(ran.out).contains("Usage: deepstack " + command);
    }
    assertThat(json(deepstack("inspect", DEMO, "--json")).path("context").asLong()).isEqualTo(512);
    assertThat(deepstack("inspect", DEMO, "--ir").out).contains("routed_experts");
  }
}
