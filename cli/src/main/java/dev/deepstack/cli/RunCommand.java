package dev.deepstack.cli;

import dev.deepstack.api.Generation;
import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.Generator;
import dev.deepstack.api.Model;
import dev.deepstack.cli.bench.ReadBandwidth;
import dev.deepstack.runtime.sample.SamplingOptions;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Continues a prompt.
@Command(name = "run", mixinStandardHelpOptions = true,
    description = "Continues a prompt with a language model and says how fast that went.")
final class RunCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL",
      description = "demo, a .pt2 or .dsp file, or a folder with one and a tokenizer.json.")
  private String model = "";

  @Option(names = {"-p", "--prompt"}, required = true, paramLabel = "TEXT", description = "The text to continue.")
  private String prompt = "";

  @Option(names = {"-n", "--max-tokens"}, paramLabel = "N", defaultValue = "128",
      description = "Most tokens to generate (default ${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(names = {"-t", "--temperature"}, paramLabel = "T", defaultValue = "0.8",
      description = "Spread of the choice; 0 always takes the likeliest token (default ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(names = "--top-k", paramLabel = "K", defaultValue = "40",
      description = "Choose among the K likeliest tokens; 0 for all (default ${DEFAULT-VALUE}).")
  private int topK;

  @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
      description = "Choose among the likeliest tokens that together have probability P (default ${DEFAULT-VALUE}).")
  private double topP;

  @Option(names = "--seed", paramLabel = "S", description = "The same seed gives the same text.")
  private Long seed = System.nanoTime();

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    var sampling = new SamplingOptions(temperature, topK, topP, seed);
    var options = new GenerationOptions(maxTokens, sampling);
    long start = System.nanoTime();
    try (var loaded = Model.load(Models.find(model), common.load(err))) {
      Generator generator = loaded.generator();
      long ready = System.nanoTime();
      var first = new AtomicLong();
      Generation answer = generator.generate(prompt, options, piece -> {
        boolean begins = first.compareAndSet(0, System.nanoTime());
        if (!json) {
          // The prompt is echoed once it is known to be fit to continue.
          out.print(begins ? prompt + piece : piece);
          out.flush();
        }
      });
      int threads = loaded.executable().threads();
      double floor = generator.bytesPerToken() / ReadBandwidth.remembered(threads);
      double share = answer.decodeTokensPerSecond() * floor;
      // A prompt that goes through in one step reads the weights at least once.
      double prefillShare = floor * 1e9 / Math.max(answer.prefillNs(), 1);
      if (json) {
        out.println(JsonMapper.shared().writeValueAsString(report(answer, share, prefillShare, threads, ready - start,
            first.get() - start, loaded)));
      } else {
        out.println();
        out.flush();
        err.printf(Locale.ROOT, "[%d prompt tokens at %.0f tok/s (%.0f %% of the memory roofline), %d tokens at %.0f "
            + "tok/s (%.0f %%), %s, %d threads]%n", answer.promptTokens(), answer.prefillTokensPerSecond(),
            100 * prefillShare, answer.tokenIds().length, answer.decodeTokensPerSecond(), 100 * share,
            loaded.programs().getFirst().cpu(), threads);
      }
    }
    return 0;
  }

  private static Map<String, Object> report(
      Generation answer, double share, double prefillShare, int threads, long loadNs, long firstNs, Model model) {
    var report = new LinkedHashMap<String, Object>();
    report.put("text", answer.text());
    report.put("token_ids", answer.tokenIds());
    report.put("prompt_tokens", answer.promptTokens());
    report.put("prefill_tok_s", answer.prefillTokensPerSecond());
    report.put("decode_tok_s", answer.decodeTokensPerSecond());
    report.put("roofline_share", share);
    report.put("prefill_roofline_share", prefillShare);
    report.put("threads", threads);
    report.put("cpu", model.programs().getFirst().cpu());
    report.put("load_s", loadNs / 1e9);
    report.put("first_token_s", firstNs / 1e9);
    return report;
  }
}
