package dev.deepstack.cli.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The planner's commands as a user types them.
final class PlanCommandTest {
  private record Result(int code, String out, String err) {}

  private static Result run(String... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Main.execute(new PrintWriter(out), new PrintWriter(err, true), args);
    return new Result(code, out.toString(), err.toString());
  }

  private static void refused(String reason, String... args) {
    Result r = run(args);
    assertThat(r.code()).isNotZero();
    assertThat(r.err()).contains(reason).doesNotContain("\tat ").doesNotContain("internal error");
  }

  @Test
  void comparesDevices(@TempDir Path folder) throws IOException {
    Path page = folder.resolve("report.html");
    Result r = run("plan", "--model", "deepseek-v4-flash", "--device", "ascend-950pr,h200", "--count", "8", "--slo",
        "ttft=2s,tpot=50ms", "--html", page.toString());
    assertThat(r.code()).isZero();
    assertThat(r.out()).contains("8 x h200-sxm").contains("measured nearby").contains("deepstack plan --model");
    assertThat(Files.readString(page)).startsWith("<!doctype html>").contains("Claims checked");
  }

  @Test
  void printsOneObject() {
    Result r = run("plan", "--model", "gpt-oss-120b", "--device", "h100-sxm", "--count", "1,2", "--json");
    JsonNode json = JsonMapper.shared().readTree(r.out());
    assertThat(json.path("plans").size()).isEqualTo(2);
    assertThat(json.path("plans").get(0).path("best").path("tpot_s").size()).isEqualTo(3);
  }

  @Test
  void predictsWhatThisMachineDoes(@TempDir Path folder) throws IOException {
    // Surefire runs in the module's folder, an editor perhaps in the whole checkout's.
    Path near = Path.of("conformance/fixtures/gguf/llama-q4_0.gguf");
    String model = (Files.exists(near) ? near : Path.of("..").resolve(near)).toString();
    Result r = run("plan", "machine", model, "--read-gb-s", "50", "--prompt-tokens", "16", "--json");
    JsonNode slow = JsonMapper.shared().readTree(r.out()).path("rows").get(0);
    JsonNode fast = JsonMapper.shared().readTree(run("plan", "machine", model, "--read-gb-s", "100",
        "--prompt-tokens", "16", "--json").out()).path("rows").get(0);
    assertThat(slow.path("decode_tok_s").doubleValue()).isPositive()
        .isLessThan(50e9 / slow.path("bytes_per_token").doubleValue())
        .isLessThan(fast.path("decode_tok_s").doubleValue());
    Result plan = run("plan", "--model", "qwen3-0.6b", "--device", "this", "--count", "1", "--isl", "128", "--osl",
        "32", "--concurrency", "1");
    assertThat(plan.code()).isZero();
    assertThat(plan.out()).contains("1 x this");
    refused("there is no model", "plan", "machine", folder.resolve("none.gguf").toString());
    refused("GGUF", "plan", "machine", Files.writeString(folder.resolve("x.gguf"), "hello").toString());
    refused("positive", "plan", "machine", model, "--prompt-tokens", "0");
  }

  @Test
  void placesExpertsWhoseLoadIsKnown(@TempDir Path folder) throws IOException {
    var load = new StringBuilder("{\"load\": [1");
    for (int i = 1; i < 128; i++) {
      load.append(", ").append(i);
    }
    Path file = Files.writeString(folder.resolve("load.json"), load.append("]}"));
    JsonNode json = JsonMapper.shared().readTree(run("plan", "--model", "qwen3-235b-a22b", "--device", "h200-sxm",
        "--count", "16", "--expert-load", file.toString(), "--spare-experts", "16", "--json").out());
    JsonNode placed = json.path("plans").get(0).path("front").findPath("expert_placement");
    assertThat(placed.path("worst_rank").doubleValue()).isBetween(1.0, 1.1);
    refused("128", "plan", "--model", "deepseek-v3", "--device", "h200-sxm", "--count", "16", "--expert-load",
        file.toString());
  }

  @Test
  void saysOneSentenceForBadInput(@TempDir Path folder) throws IOException {
    refused("nearest names", "plan", "--model", "deepseek", "--device", "h200-sxm");
    refused("nearest names", "plan", "--model", "deepseek-v3", "--device", "h9000");
    refused("tokens", "plan", "--model", "deepseek-v3", "--device", "h200-sxm", "--isl", "-1");
    refused("W8A8", "plan", "--model", "deepseek-v3", "--device", "ascend-910b", "--precision", "fp8");
    refused("fullmesh", "plan", "--model", "deepseek-v3", "--device", "h200-sxm", "--fabric", "ring of 8");
    refused("--model", "plan");
    refused("there is no file", "plan", "score", folder.resolve("none.json").toString());
    Path broken = folder.resolve("broken.json");
    Files.writeString(broken, "{\"points\": 3");
    refused("not JSON", "plan", "score", broken.toString());
    Files.writeString(broken, "{\"devices\": {\"x\": {\"memory\": {}}}}");
    refused("the device x has no number in peak_dense_tflops", "plan", "devices", "--devices", broken.toString());
    refused("there is no claim", "plan", "claim", "moon");
  }

  @Test
  void scoresWithTheKeysThatOthersRead(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("points.json");
    Files.writeString(file, """
        {"points": [{"id": "a", "family": "a", "model": "deepseek-r1", "device": "h200-sxm", "device_count": 8,
          "phase": "e2e", "parallelism": {"tp": 8, "moe_tp": 8}, "precision": "FP8", "framework": "sglang",
          "isl": 1024, "osl": 1024, "concurrency": 16, "metrics": {"tpot_ms": 16, "ttft_ms": 300},
          "score": ["tpot_ms", "ttft_ms"], "confidence": "high"}]}""");
    JsonNode json = JsonMapper.shared().readTree(run("plan", "score", file.toString(), "--json").out());
    for (String kind : new String[] {"tpot", "prefill", "system", "ttft", "training"}) {
      assertThat(json.path(kind).has("median")).isTrue();
      assertThat(json.path(kind).has("p90")).isTrue();
      assertThat(json.path(kind).has("n")).isTrue();
    }
    assertThat(json.path("tpot").path("n").asInt()).isEqualTo(1);
    for (String key : new String[] {"coverage", "interval_hit_rate", "interval_median_width", "winner_accuracy",
        "by_vendor"}) {
      assertThat(json.has(key)).as(key).isTrue();
    }
  }

  @Test
  void listsDevicesModelsAndClaims() {
    assertThat(run("plan", "devices").out()).contains("bin ascend-950pr:atlas350").contains("conflict:");
    assertThat(run("plan", "models").out()).contains("deepseek-v4-pro");
    assertThat(run("plan", "claim", "process").out()).contains("contradicted");
    assertThat(run("plan", "train", "--model", "qwen3-30b-a3b", "--device", "h100-sxm", "--count", "64").out())
        .contains("device hours per T tokens");
  }
}
