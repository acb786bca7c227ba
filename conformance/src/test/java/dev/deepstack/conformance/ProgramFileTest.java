package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.program.ProgramFile;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.MalformedModelException;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The `.dsp` file: the same model, without a compiler, and no harm from a broken one.
final class ProgramFileTest {
  private static final Path SOURCE = Checkout.ROOT.resolve("conformance/fixtures/pt2/llama_kv/model.pt2");

  @TempDir
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  static Path folder;

  @SuppressWarnings("NullAway.Init")
  private static Path program;

  @BeforeAll
  static void compile() {
    program = folder.resolve("llama.dsp");
    try (var compiled = Model.compile(SOURCE, LoadOptions.standard().withCpu("avx2"))) {
      ProgramFile.write(program, compiled);
    }
  }

  private static HostTensor[] call() {
    return new HostTensor[] {HostTensor.of(new long[] {3, 1, 4}, 1, 3), HostTensor.of(new long[] {0, 1, 2}, 3)};
  }

  @Test
  void runsLikeTheModelItCameFrom() {
    try (var original = Model.load(SOURCE, LoadOptions.standard().withCpu("avx2")); var copy = Model.load(program)) {
      for (int i = 0; i < 2; i++) {
        float[] a = original.run(call()).firstEntry().getValue().toFloats();
        assertThat(copy.run(call()).firstEntry().getValue().toFloats()).containsExactly(a);
      }
      assertThat(copy.compiled().context()).isEqualTo(24);
      assertThat(copy.programs()).usingRecursiveComparison().isEqualTo(original.programs());
    }
  }

  /// What a user of the run side writes, in a process that has no compiler, no importer and no LLVM.
  @Test
  void needsNoCompiler() throws IOException, InterruptedException {
    String rooms = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(p -> !p.matches(".*(codegen|compiler|importer|passes|reference|[/-]ir[/-]|cli|llvm|picocli).*"))
        .collect(Collectors.joining(File.pathSeparator));
    Path source = Files.writeString(folder.resolve("Alone.java"), """
        import dev.deepstack.api.Model;
        import dev.deepstack.tensor.HostTensor;
        import java.nio.file.Path;

        public final class Alone {
          public static void main(String[] args) throws Exception {
            for (String c : new String[] {"codegen.llvm.LlvmCompiler", "compiler.Pt2Compiler", "ir.Graph"}) {
              try {
                Class.forName("dev.deepstack." + c);
                throw new IllegalStateException(c + " is here");
              } catch (ClassNotFoundException expected) {
                // Nothing of the compile side may be needed.
              }
            }
            try (var model = Model.load(Path.of(args[0]))) {
              var y = model.run(HostTensor.of(new long[] {3, 1, 4}, 1, 3), HostTensor.of(new long[] {0, 1, 2}, 3));
              System.out.println(y.firstEntry().getValue());
            }
          }
        }
        """);
    var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-cp", rooms, source.toString(), program.toString())
        .redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(output).startsWith("f32[1, 3,");
    assertThat(process.exitValue()).isZero();
  }

  @Test
  void refusesDamage() throws IOException {
    byte[] good = Files.readAllBytes(program);
    Path bad = folder.resolve("bad.dsp");
    for (int i = 0; i < 300; i++) {
      refusesOrLoads(bad, Arrays.copyOf(good, (int) ((long) good.length * i / 300)));
    }
    var random = new Random(7);
    for (int i = 0; i < 600; i++) {
      byte[] flipped = good.clone();
      flipped[random.nextInt(Math.min(good.length, 60_000))] ^= (byte) (1 << random.nextInt(8));
      refusesOrLoads(bad, flipped);
    }
    for (String text : List.of("", "DEEPSTK", "PK\3\4 something else entirely that is longer than a head")) {
      Files.writeString(bad, text);
      assertThatThrownBy(() -> ProgramFile.read(bad)).isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("bad.dsp").hasMessageContaining("deepstack compile");
    }
  }

  /// Damage in the tensors is not noticed, since they are not read; all other damage is, in one way only.
  private static void refusesOrLoads(Path file, byte[] bytes) throws IOException {
    Files.write(file, bytes);
    try {
      ProgramFile.read(file).close();
    } catch (MalformedModelException e) {
      assertThat(e).hasMessageContaining("bad.dsp");
    }
  }
}
