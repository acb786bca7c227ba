package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.cli.verify.Engine;
import dev.deepstack.cli.verify.NativeEngine;
import dev.deepstack.cli.verify.Recording;
import dev.deepstack.cli.verify.Replay;
import dev.deepstack.cli.verify.Replay.StepReport;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Program;
import dev.deepstack.program.ProgramFile;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.MalformedModelException;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The `.dsp` file: the same model, without a compiler, and no harm from a broken one.
final class ProgramFileTest {
  /// All that a `.dsp` may need, by jar or class folder.
  private static final Pattern RUN_SIDE = Pattern.compile(
      "/(tensor|program|runtime|text|api)/target/|/deepstack-(tensor|program|runtime|text|api)-|jackson|jspecify");

  @TempDir
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  static Path folder;

  @SuppressWarnings("NullAway.Init")
  private static Path program;

  @BeforeAll
  static void compile() {
    program = folder.resolve("llama.dsp");
    Path source = fixture("llama_kv").resolve("model.pt2");
    try (var compiled = Model.compile(source, LoadOptions.standard().withCpu("avx2"))) {
      ProgramFile.write(program, compiled);
    }
  }

  private static Path fixture(String model) {
    return Checkout.ROOT.resolve("conformance/fixtures/pt2").resolve(model);
  }

  /// Every recorded call, in the model as compiled and in the one from the file: equal to the last bit, states too.
  @ParameterizedTest
  @ValueSource(strings = {"llama_kv", "llama_kv_decode", "moe_mla_gather"})
  void runsLikeTheModelItCameFrom(String name) {
    Path source = fixture(name).resolve("model.pt2");
    Path file = folder.resolve(name + ".dsp");
    var options = LoadOptions.standard().withCpu("avx2").withThreads(2);
    try (Arena arena = Arena.ofShared(); var compiled = Model.compile(source, options)) {
      ProgramFile.write(file, compiled);
      try (var original = Model.load(source, options); var copy = Model.load(file, options)) {
        assertThat(copy.programs()).usingRecursiveComparison().isEqualTo(original.programs());
        assertThat(copy.compiled().context()).isEqualTo(original.compiled().context());
        assertThat(copy.executable().states().isEmpty()).isEqualTo(name.startsWith("moe"));
        var replay = new Replay(Pt2Importer.read(source, arena), Recording.read(fixture(name), arena));
        assertThat(replay.run(new Both(new NativeEngine(original.executable()), new NativeEngine(copy.executable()))))
            .isNotEmpty().allMatch(StepReport::passed);
      }
    }
  }

  /// Two engines that must never differ.
  private record Both(Engine one, Engine other) implements Engine {
    @Override
    public Outputs step(Map<String, HostTensor> inputs) {
      Outputs expected = one.step(inputs);
      Outputs actual = other.step(inputs);
      same(expected.results(), actual.results());
      same(expected.states(), actual.states());
      return actual;
    }

    @Override
    public void reset() {
      one.reset();
      other.reset();
    }
  }

  private static void same(Map<String, HostTensor> expected, Map<String, HostTensor> actual) {
    assertThat(actual).containsOnlyKeys(expected.keySet());
    expected.forEach((name, tensor) -> {
      assertThat(actual.get(name).shape()).isEqualTo(tensor.shape());
      assertThat(actual.get(name).data().mismatch(tensor.data())).as(name).isEqualTo(-1);
    });
  }

  private static HostTensor[] call() {
    return new HostTensor[] {HostTensor.of(new long[] {3, 1, 4}, 1, 3), HostTensor.of(new long[] {0, 1, 2}, 3)};
  }

  /// What a user of the run side writes, in a process that has no compiler, no importer and no LLVM.
  @Test
  void needsNoCompiler() throws IOException, InterruptedException {
    String rooms = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(p -> RUN_SIDE.matcher(p).find())
        .collect(Collectors.joining(File.pathSeparator));
    Path source = Files.writeString(folder.resolve("Alone.java"), """
        import dev.deepstack.api.Model;
        import dev.deepstack.tensor.HostTensor;
        import java.nio.file.Path;
        import java.util.Arrays;

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
              System.out.println(Arrays.toString(y.firstEntry().getValue().toFloats()));
            }
          }
        }
        """);
    var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-cp", rooms, source.toString(), program.toString())
        .redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    try (var model = Model.load(program)) {
      float[] here = model.run(call()).firstEntry().getValue().toFloats();
      assertThat(output.strip()).isEqualTo(Arrays.toString(here));
    }
    assertThat(process.exitValue()).isZero();
  }

  /// A real file: damage in the tensors is not noticed, since they are not read; all other damage is, in one way only.
  @Test
  void refusesDamage() throws IOException {
    byte[] good = Files.readAllBytes(program);
    int tensors = 64 + (int) ByteBuffer.wrap(good).getLong(8);
    for (int i = 0; i < 100; i++) {
      refuses(Arrays.copyOf(good, (int) ((long) good.length * i / 100)));
    }
    var random = new Random(7);
    for (int i = 0; i < 300; i++) {
      byte[] flipped = good.clone();
      flipped[random.nextInt(tensors)] ^= (byte) (1 << random.nextInt(8));
      refuses(flipped);
    }
  }

  /// A file that is whole but whose code no machine could load.
  @Test
  void refusesWhatIsNoMachineCode() {
    Path file = folder.resolve("code.dsp");
    try (var model = ProgramFile.read(program)) {
      Program p = model.general();
      var broken = new Program(p.inputs(), p.states(), p.results(), p.symbols(), p.buffers(), p.slots(), p.computed(),
          p.faults(), p.weights(),
          p.kernels(), p.work(), "\u007fELF, or not".getBytes(StandardCharsets.UTF_8), p.cpuFeatures(), p.cpu(),
          p.panelRows());
      ProgramFile.write(file, new CompiledModel(List.of(broken), model.weights(), model.states(), model.context(),
          model.tokenizer(), () -> {}));
    }
    assertThatThrownBy(() -> Model.load(file)).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("not a valid x86-64 object");
  }

  private static void refuses(byte[] bytes) throws IOException {
    Path bad = folder.resolve("bad.dsp");
    Files.write(bad, bytes);
    assertThatThrownBy(() -> Model.load(bad)).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("bad.dsp").hasMessageContaining("deepstack compile");
  }
}
