package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// The command line where nothing large can be written: in a process whose files may not grow beyond a few kilobytes,
/// as on a disk that is full.
@EnabledOnOs(OS.LINUX)
class NoRoomTest {
  private static final String CHECKPOINT = "fixtures/hf/qwen3";

  @TempDir
  private Path folder;

  private record Outcome(int code, String out, String err) {}

  /// @param blocks of 512 bytes that a file may have
  private Outcome deepstack(int blocks, String... arguments) throws IOException {
    var command = new ArrayList<>(List.of("sh", "-c", "ulimit -f " + blocks + "; exec \"$@\"", "sh",
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:-UsePerfData",
        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), "dev.deepstack.cli.Main"));
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command);
    builder.environment().put("DEEPSTACK_CACHE", cache().toString());
    // Small enough for pipes, so neither end waits for the other.
    Process process = builder.start();
    var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    var err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      return new Outcome(process.waitFor(), out, err);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private Path cache() {
    return folder.resolve("cache");
  }

  private List<String> files(String ending) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).map(f -> String.valueOf(f.getFileName()))
          .filter(name -> name.endsWith(ending)).toList();
    }
  }

  @Test
  void aModelRunsThoughItsCodeCannotBeKept() throws IOException {
    String[] run = {"run", CHECKPOINT, "--prompt-ids", "5,17,3", "--max-tokens", "4", "--temperature", "0"};
    Outcome full = deepstack(4, run);
    assertThat(full.code).as(full.err).isZero();
    assertThat(full.err.lines().filter(line -> line.contains("not kept between runs"))).singleElement().asString()
        .contains(cache().toString(), "File too large", "Set DEEPSTACK_CACHE");
    assertThat(files(".tmp")).isEmpty();
    Files.createDirectories(cache().getParent());
    Outcome roomy = deepstack(1 << 21, run);
    assertThat(roomy.code).isZero();
    assertThat(roomy.out).isEqualTo(full.out);
    assertThat(roomy.err).doesNotContain("not kept");
  }

  @Test
  void whatCannotBeWrittenWholeIsNotWrittenAtAll() throws IOException {
    Path gguf = folder.resolve("small.gguf");
    Outcome quantized = deepstack(40, "quantize", CHECKPOINT, gguf.toString(), "--format", "q8_0");
    assertThat(quantized.code).isEqualTo(1);
    assertThat(quantized.err.strip().lines()).singleElement().asString().contains("small.gguf", "File too large");
    Path program = folder.resolve("demo.dsp");
    Outcome compiled = deepstack(40, "compile", "fixtures/pt2/bert_tiny/model.pt2", "-o", program.toString());
    assertThat(compiled.code).isEqualTo(1);
    assertThat(compiled.err.strip().lines().filter(line -> !line.contains("not kept"))).singleElement().asString()
        .contains("demo.dsp", "File too large");
    assertThat(files("")).noneMatch(name -> name.contains("small") || name.contains("demo"));
  }
}
