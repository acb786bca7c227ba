package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.deepstack.cli.Main;
import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.importer.gguf.GgufContent;
import dev.deepstack.importer.gguf.GgufDecoder;
import dev.deepstack.importer.gguf.GgufExport;
import dev.deepstack.importer.gguf.GgufFile;
import dev.deepstack.importer.gguf.GgufMetadata;
import dev.deepstack.importer.gguf.GgufRows;
import dev.deepstack.importer.gguf.GgufTokenizer;
import dev.deepstack.importer.gguf.GgufType;
import dev.deepstack.importer.gguf.GgufWriter;
import dev.deepstack.importer.hf.HfImporter;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Safetensors;
import dev.deepstack.tensor.UnsupportedModelException;
import dev.deepstack.text.EncodeOptions;
import dev.deepstack.text.Tokenizer;
import dev.deepstack.text.TokenizerData;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Models stored anew as GGUF files: what they say, and what they compute.
class QuantizeTest {
  private static final Path GGUF = Path.of("fixtures", "gguf");
  private static final Path CHECKPOINTS = Path.of("fixtures", "hf");
  private static final Path TOKENIZERS = Path.of("..", "text", "src", "test", "resources", "tokenizers", "families");

  @TempDir Path folder;

  private record Run(int code, String out, String err) {}

  private static Run run(Object... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Main.execute(new PrintWriter(out), new PrintWriter(err, true),
        Stream.of(args).map(Object::toString).toArray(String[]::new));
    return new Run(code, out.toString(), err.toString());
  }

  static List<String> checkpoints() throws IOException {
    try (var folders = Files.list(CHECKPOINTS)) {
      return folders.filter(f -> Files.exists(f.resolve("golden.safetensors"))).map(f -> f.getFileName().toString())
          .sorted().toList();
    }
  }

  /// Written in f32, a checkpoint computes what it did: names, metadata and the order of rows are right.
  @ParameterizedTest
  @MethodSource("checkpoints")
  void checkpointsMeanTheSameAsGgufFiles(String name) throws IOException {
    try (var arena = Arena.ofConfined()) {
      Path checkpoint = CHECKPOINTS.resolve(name);
      ImportedDecoder decoder = HfImporter.read(checkpoint, arena);
      GgufContent content;
      try {
        content = GgufExport.of(decoder, name, GgufTokenizer.of(checkpoint, decoder.spec().vocab(), null));
      } catch (UnsupportedModelException e) {
        assertThat(e.getMessage()).containsAnyOf("cannot say", "cannot be written as GGUF files yet");
        assumeThat(false).as(e.getMessage()).isTrue();
        return;
      }
      Path file = folder.resolve("plain.gguf");
      writePlain(content, file);
      ImportedDecoder again = GgufDecoder.read(GgufFile.open(file, arena));
      long[] ids = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
      float[][] expected = new ReferenceDecoder(decoder, ids.length, arena).step(ids);
      float[][] actual = new ReferenceDecoder(again, ids.length, arena).step(ids);
      // GGUF's YaRN always ends its ramp at whole numbers, which gpt-oss does not.
      assertThat(distance(actual, expected)).isLessThan(name.startsWith("gpt_oss") ? 0.01 : 1e-4);
    }
  }

  private static void writePlain(GgufContent content, Path file) throws IOException {
    var sources = new LinkedHashMap<String, GgufContent.Part>();
    content.tensors().forEach(t -> sources.put(t.name(), t));
    var announced = content.tensors().stream()
        .map(t -> new GgufWriter.Announced(t.name(), GgufType.F32, t.shape())).toList();
    try (var out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      new GgufWriter(content.metadata(), announced).write(out, (tensor, channel) -> {
        GgufRows rows = Objects.requireNonNull(sources.get(tensor.name())).source().apply(Arena.ofAuto());
        int columns = (int) tensor.shape()[tensor.shape().length - 1];
        var row = new float[columns];
        for (long i = 0; i < HostTensor.count(tensor.shape()) / columns; i++) {
          rows.read(i, row, 0);
          channel.write(ByteBuffer.wrap(MemorySegment.ofArray(row).toArray(ValueLayout.JAVA_BYTE)));
        }
      });
    }
  }

  @ParameterizedTest
  @CsvSource({"llama, q8_0, 0.06", "llama, q4_0, 0.5", "llama, mxfp4, 0.5", "mixtral, q8_0, 0.06",
      "qwen2, q8_0, 0.06", "glm4moe, mxfp4, 0.5"})
  void quantizedFilesComputeAlmostTheSame(String name, String format, double distance) throws IOException {
    Path in = GGUF.resolve(name + ".gguf");
    Path out = folder.resolve("out.gguf");
    Run run = run("quantize", in, out, "--format", format, "--json");
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isZero();
    JsonNode report = JsonMapper.shared().readTree(run.out());
    assertThat(report.path("bytes").asLong()).isEqualTo(Files.size(out)).isLessThan(Files.size(in) / 2);
    assertThat(report.path("format").asString()).isEqualTo(format);
    try (var arena = Arena.ofConfined()) {
      Map<String, HostTensor> golden = Safetensors.read(GGUF.resolve(name + ".safetensors"), arena);
      ImportedDecoder decoder = GgufDecoder.read(GgufFile.open(out, arena));
      long[] ids = Objects.requireNonNull(golden.get("input_ids")).toLongs();
      float[][] logits = new ReferenceDecoder(decoder, ids.length, arena).step(ids);
      assertThat(distance(logits, ReferenceDecoder.rows(Objects.requireNonNull(golden.get("logits")))))
          .isLessThan(distance).isGreaterThan(1e-4);
    }
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(out);
    }
  }

  @Test
  void matricesBecomeBlocksAndTheRestStays() {
    Path out = folder.resolve("out.gguf");
    assertThat(run("quantize", GGUF.resolve("mixtral.gguf"), out, "--format", "mxfp4").code()).isZero();
    try (var arena = Arena.ofConfined()) {
      GgufFile file = GgufFile.open(out, arena);
      var types = new TreeMap<String, GgufType>();
      file.tensors().forEach((name, tensor) -> types.put(name, tensor.type()));
      assertThat(types).containsEntry("blk.0.ffn_up_exps.weight", GgufType.MXFP4)
          .containsEntry("blk.0.attn_q.weight", GgufType.Q8_0).containsEntry("blk.0.ffn_gate_inp.weight", GgufType.F32)
          .containsEntry("output_norm.weight", GgufType.F32).containsEntry("token_embd.weight", GgufType.Q8_0)
          // 48 columns are no whole blocks of 32.
          .containsEntry("blk.0.ffn_down_exps.weight", GgufType.F16);
      assertThat(file.metadata().whole("general.file_type")).isEqualTo(38);
      assertThat(file.metadata().whole("llama.expert_count")).isEqualTo(4);
    }
  }

  @Test
  void whatCannotBeDoneIsSaidInOneSentence() throws IOException {
    Path in = GGUF.resolve("llama.gguf");
    Path there = Files.writeString(folder.resolve("there.gguf"), "precious");
    refused("there already", in, there);
    assertThat(there).hasContent("precious");
    refused("something.gguf", in, folder.resolve("out.bin"));
    refused("no folder", in, folder.resolve("none").resolve("out.gguf"));
    refused("no file", folder.resolve("none.gguf"), folder.resolve("out.gguf"));
    refused("quantized already", GGUF.resolve("mixed.gguf"), folder.resolve("out.gguf"));
    refused("not a usable GGUF file", there, folder.resolve("out.gguf"));
    refused("config.json", folder, folder.resolve("out.gguf"));
    Path copy = Files.copy(in, folder.resolve("copy.gguf"));
    refused("over the one it is made from", copy, copy, "--force");
    Run run = run("quantize", in, folder.resolve("out.gguf"), "--format", "q3");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("q3");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactlyInAnyOrder(there, copy);
    }
  }

  private static void refused(String part, Path in, Path out, String... options) {
    Object[] args = Stream.concat(Stream.of("quantize", in, out, "--format", "q8_0"), Stream.of(options)).toArray();
    Run run = run(args);
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("deepstack: ").contains(part).hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-bpe", "qwen2", "glm4", "gpt-4o", "olmo", "gpt-2", "deepseek-v3", "deepseek-llm",
      "deepseek-coder", "starcoder", "tekken", "falcon", "metaspace-always", "metaspace-legacy", "metaspace-never"})
  void tokenizersSurvive(String family) throws IOException {
    Path json = Files.copy(TOKENIZERS.resolve(family + ".json"), folder.resolve("tokenizer.json"));
    int vocab = Tokenizer.load(json).vocabSize() + 3;
    var metadata = new GgufMetadata("m.gguf", GgufTokenizer.of(folder, vocab, null));
    Tokenizer expected = Tokenizer.load(json);
    Tokenizer actual = Tokenizer.of(TokenizerData.fromGguf("m.gguf", metadata.plain()));
    EncodeOptions bare = EncodeOptions.DEFAULT.with(EncodeOptions.Frame.OMITTED);
    for (JsonNode text : JsonMapper.shared().readTree(TOKENIZERS.resolve("vectors.json").toFile()).get("texts")) {
      if (family.equals("metaspace-always") && text.stringValue().matches("(?s)[ ▁].*")) {
        // tokenizer.json then adds no space, SentencePiece one more; GGUF files only know the latter.
        continue;
      }
      assertThat(actual.encode(text.stringValue(), bare)).as(text.stringValue())
          .isEqualTo(expected.encode(text.stringValue(), bare));
    }
  }

  @Test
  void chatTemplatesAndSpecialTokensAreCarriedOver() throws IOException {
    Files.copy(TOKENIZERS.resolve("llama-bpe.json"), folder.resolve("tokenizer.json"));
    JsonNode json = JsonMapper.shared().readTree(folder.resolve("tokenizer.json").toFile());
    JsonNode first = json.get("added_tokens").get(0);
    String begin = first.get("content").stringValue();
    Files.writeString(folder.resolve("tokenizer_config.json"), JsonMapper.shared().writeValueAsString(
        Map.of("bos_token", Map.of("content", begin), "chat_template", "{{ messages }}")));
    int vocab = Tokenizer.load(folder.resolve("tokenizer.json")).vocabSize();
    var metadata = new GgufMetadata("m.gguf", GgufTokenizer.of(folder, vocab, null));
    assertThat(metadata.text("tokenizer.chat_template")).isEqualTo("{{ messages }}");
    assertThat(metadata.whole("tokenizer.ggml.bos_token_id")).isEqualTo(first.get("id").asLong());
    assertThat(metadata.text("tokenizer.ggml.model")).isEqualTo("gpt2");
    Files.writeString(folder.resolve("chat_template.jinja"), "{{ other }}");
    metadata = new GgufMetadata("m.gguf", GgufTokenizer.of(folder, vocab, null));
    assertThat(metadata.text("tokenizer.chat_template")).isEqualTo("{{ other }}");
    Files.delete(folder.resolve("tokenizer.json"));
    assertThat(GgufTokenizer.of(folder, vocab, null)).hasSize(1);
  }

  /// Root of the mean square of differences, as a part of the expected values' spread.
  private static double distance(float[][] actual, float[][] expected) {
    double off = 0;
    double square = 0;
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        off += Math.pow(actual[i][j] - expected[i][j], 2);
        square += Math.pow(expected[i][j], 2);
      }
    }
    return Math.sqrt(off / square);
  }
}
