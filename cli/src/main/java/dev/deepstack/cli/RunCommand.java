package dev.deepstack.cli;

import dev.deepstack.api.Generation;
import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.Generator;
import dev.deepstack.api.Model;
import dev.deepstack.cli.bench.ReadBandwidth;
import dev.deepstack.cli.output.Output;
import dev.deepstack.tensor.InvalidInputException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine;

/// Continues a prompt.
@Command(name = "run", mixinStandardHelpOptions = true,
    description = "Continues a prompt with a language model and says how fast that went.")
final class RunCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = Models.MEANING)
  private String model = "";

  @Option(names = {"-p", "--prompt"}, paramLabel = "TEXT", description = "The text to continue.")
  private @Nullable String prompt;

  @Option(names = "--prompt-ids", paramLabel = "5,17,…", description = "The tokens to continue, instead of a text.")
  private @Nullable String promptIds;

  @Option(names = {"-n", "--max-tokens"}, paramLabel = "N", defaultValue = "128",
      description = "Most tokens to generate (default ${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(names = "--ignore-end", description = "Go on after the model's end tokens.")
  private boolean ignoresEnd;

  @Mixin
  private SamplingMixin sampling = new SamplingMixin();

  @Mixin
  private DecoderMixin decoder = new DecoderMixin();

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    PrintWriter out = output.out();
    PrintWriter err = output.err();
    if ((prompt == null) == (promptIds == null)) {
      throw new CommandLine.ParameterException(output.commandLine(),
          "Missing required option: either --prompt=TEXT or --prompt-ids=5,17,…");
    }
    int[] ids = promptIds == null ? new int[0] : ids(promptIds);
    GenerationOptions options = ignoresEnd ? sampling.options(maxTokens).withoutEnd()
        : sampling.options(maxTokens);
    // A token has at least one byte of the text, and one may stand before it.
    long most = maxTokens + 1L
        + (prompt == null ? ids.length : prompt.getBytes(StandardCharsets.UTF_8).length);
    Run run;
    long start = System.nanoTime();
    try (var loaded = Model.load(Models.find(model), common.load(err).withDecoder(decoder.options(most, 1)))) {
      Generator generator = loaded.generator();
      long ready = System.nanoTime();
      var first = new AtomicLong();
      Generation answer = generate(generator, loaded, ids, options, piece -> {
        boolean begins = first.compareAndSet(0, System.nanoTime());
        if (!output.isJson()) {
          // The prompt is echoed once it is known to be fit to continue.
          out.print(begins && prompt != null ? prompt + piece : piece);
          out.flush();
        }
      });
      long middle = answer.promptTokens() + answer.tokenIds().length / 2L;
      run = new Run(answer, generator.bytesPerToken(1, middle), generator.contextMax(), loaded.executable().threads(),
          loaded.programs().getFirst().cpu(), ready - start, first.get() - start);
    }
    // The model is gone by now: measuring how fast memory is read takes memory itself.
    report(run, out, err);
    return 0;
  }

  private Generation generate(
      Generator generator, Model loaded, int[] ids, GenerationOptions options, Consumer<String> onText) {
    if (prompt != null) {
      return generator.generate(prompt, options, onText);
    }
    if (loaded.tokenizer().isPresent()) {
      return generator.generate(ids, options, onText);
    }
    Generation answer = generator.generate(ids, options);
    onText.accept(Arrays.toString(answer.tokenIds()));
    return answer;
  }

  private static int[] ids(String list) {
    try {
      return Arrays.stream(list.split(",", -1)).map(String::strip).mapToInt(Integer::parseInt).toArray();
    } catch (NumberFormatException e) {
      throw new InvalidInputException("--prompt-ids takes token numbers with commas between, as in 5,17,9, not \""
          + list + "\"", e);
    }
  }

  /// What there is to say of an answer.
  private record Run(Generation answer, double bytesPerToken, long contextMax, int threads, String cpu, long loadNs,
      long firstNs) {}

  private void report(Run run, PrintWriter out, PrintWriter err) {
    Generation answer = run.answer;
    double floor = run.bytesPerToken / ReadBandwidth.remembered(run.threads);
    double share = answer.decodeTokensPerSecond() * floor;
    // A prompt that goes through in one step reads the weights at least once.
    double prefillShare = floor * 1e9 / Math.max(answer.prefillNs(), 1);
    if (output.isJson()) {
      output.print(report(run, share, prefillShare));
      return;
    }
    out.println();
    out.flush();
    err.printf(Locale.ROOT, "[%d prompt tokens at %.0f tok/s (%.0f %% of the memory roofline), %d tokens at %.0f "
        + "tok/s (%.0f %%), %s, %d threads]%n", answer.promptTokens(), answer.prefillTokensPerSecond(),
        100 * prefillShare, answer.tokenIds().length, answer.decodeTokensPerSecond(), 100 * share,
        run.cpu, run.threads);
    switch (answer.finish()) {
      case CONTEXT -> err.println("deepstack: the context of " + run.contextMax
          + " tokens is full, so the answer ends here.");
      case END, STOP, LENGTH, CANCELLED, FAILED -> {
      }
    }
  }

  private static Map<String, Object> report(Run run, double share, double prefillShare) {
    Generation answer = run.answer;
    var report = new LinkedHashMap<String, Object>();
    report.put("text", answer.text());
    report.put("token_ids", answer.tokenIds());
    report.put("finish", answer.finish().name().toLowerCase(Locale.ROOT));
    report.put("prompt_tokens", answer.promptTokens());
    report.put("prefill_tok_s", answer.prefillTokensPerSecond());
    report.put("decode_tok_s", answer.decodeTokensPerSecond());
    report.put("roofline_share", share);
    report.put("prefill_roofline_share", prefillShare);
    report.put("threads", run.threads);
    report.put("cpu", run.cpu);
    report.put("load_s", run.loadNs / 1e9);
    report.put("first_token_s", run.firstNs / 1e9);
    return report;
  }
}
