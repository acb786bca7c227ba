package dev.deepstack.cli;

import dev.deepstack.api.DecoderOptions;
import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.Generator;
import dev.deepstack.api.Model;
import dev.deepstack.cli.chat.Chat;
import dev.deepstack.cli.chat.Conversation;
import dev.deepstack.cli.chat.Lines;
import dev.deepstack.cli.chat.PipedLines;
import dev.deepstack.cli.chat.TerminalLines;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.text.EncodeOptions;
import dev.deepstack.text.Tokenizer;
import dev.deepstack.text.chat.ChatTemplate;
import dev.deepstack.text.chat.ChatTemplates;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Talks with a model.
@Command(name = "chat", mixinStandardHelpOptions = true,
    description = {"Talks with a model at the terminal, or with lines from a pipe.",
        "Ctrl-C stops an answer; /help lists the commands."})
final class ChatCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = Models.MEANING)
  private String model = "";

  @Option(names = "--system", paramLabel = "TEXT", defaultValue = "",
      description = "What to tell the model beforehand.")
  private String system = "";

  @Option(names = {"-n", "--max-tokens"}, paramLabel = "N", defaultValue = "1024",
      description = "Most tokens of an answer (default ${DEFAULT-VALUE}).")
  private int maxTokens;

  @Mixin
  private SamplingMixin sampling = new SamplingMixin();

  @Mixin
  private DecoderMixin decoder = new DecoderMixin();

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    var cancelled = new AtomicBoolean();
    GenerationOptions options = sampling.options(maxTokens).withCancellation(cancelled::get);
    Path path = Models.find(model);
    try (var loaded = Model.load(path,
        common.load(err).withDecoder(decoder.options(DecoderOptions.CONTEXT_USUAL, 1)))) {
      Tokenizer tokenizer = loaded.tokenizer().orElseThrow(() -> new InvalidInputException(
          "the model came without a tokenizer.json, so nobody can talk with it; put the file beside the model"));
      Generator generator = loaded.generator();
      Optional<ChatTemplate> template = template(path, generator, tokenizer);
      if (template.isEmpty()) {
        err.println("deepstack: the model has no chat template, so it simply continues what is said.");
      }
      boolean watched = CommonOptions.isWatched();
      try (Lines lines = watched
          ? new TerminalLines(ObjectCache.defaultFolder(System.getenv()).resolve("chat-history"))
          : new PipedLines(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
        lines.onInterrupt(() -> cancelled.set(true));
        var conversation = new Conversation(template, (prompt, isTemplate, onText) -> {
          cancelled.set(false);
          answer(generator, tokenizer, prompt, isTemplate, options, onText);
        }, system);
        new Chat(lines, conversation, out, watched).run();
      }
    }
    return 0;
  }

  private static void answer(Generator generator, Tokenizer tokenizer, String prompt, boolean isTemplate,
      GenerationOptions options, Consumer<String> onText) {
    // A template writes the tokens around the text itself.
    EncodeOptions frame = isTemplate ? EncodeOptions.DEFAULT.with(EncodeOptions.Frame.OMITTED) : EncodeOptions.DEFAULT;
    generator.generate(tokenizer.encode(prompt, frame), options, onText);
  }

  private static Optional<ChatTemplate> template(Path path, Generator generator, Tokenizer tokenizer) {
    if (Files.isDirectory(path)) {
      Optional<ChatTemplate> inFolder = ChatTemplates.read(path);
      if (inFolder.isPresent()) {
        return inFolder;
      }
    }
    Map<String, String> tokens = new LinkedHashMap<>();
    if (generator.beginToken() >= 0) {
      tokens.put("bos_token", tokenizer.token(generator.beginToken()));
    }
    generator.endTokens().stream().findFirst().ifPresent(id -> tokens.put("eos_token", tokenizer.token(id)));
    return generator.chatTemplate().map(source -> ChatTemplates.of("chat template", source, tokens));
  }
}
