package dev.deepstack.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The `.dsp` file by itself: every field comes back, and damage is always refused in the same way.
final class ProgramFileTest {
  private static final int HEAD_BYTES = 64;
  private static final int TRUNCATIONS = 500;
  private static final int FLIPS = 3000;

  @TempDir
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  private Path folder;

  @SuppressWarnings("NullAway.Init")
  private Path file;

  @SuppressWarnings("NullAway.Init")
  private byte[] good;

  @BeforeEach
  void write() throws IOException {
    file = folder.resolve("model.dsp");
    ProgramFile.write(file, HandMade.model());
    good = Files.readAllBytes(file);
  }

  @Test
  void givesBackEveryField() {
    CompiledModel model = HandMade.model();
    try (var read = ProgramFile.read(file)) {
      assertThat(read.programs()).usingRecursiveComparison().isEqualTo(model.programs());
      assertThat(read.context()).isEqualTo(model.context());
      assertThat(read.tokenizer()).isEqualTo(model.tokenizer());
      assertThat(read.states()).containsOnlyKeys(model.states().keySet());
      model.states().forEach((name, state) -> same(state, read.states().get(name)));
      for (String name : HandMade.WEIGHTS) {
        same(model.weights().weight(name), read.weights().weight(name));
      }
      assertThatThrownBy(() -> read.weights().weight("nobody")).isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("nobody");
    }
  }

  private static void same(StridedTensor expected, StridedTensor actual) {
    assertThat(actual.dtype()).isEqualTo(expected.dtype());
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.strides()).isEqualTo(expected.strides());
    assertThat(actual.offset()).isEqualTo(expected.offset());
    assertThat(actual.storage().mismatch(expected.storage())).isEqualTo(-1);
  }

  @Test
  void mapsTensorsWhereKernelsCanReadThem() {
    try (var read = ProgramFile.read(file)) {
      for (String name : HandMade.WEIGHTS) {
        assertThat(read.weights().weight(name).storage().address() % 64).isZero();
      }
      var shared = read.weights().weight("shared");
      assertThat(read.weights().weight("sharedToo").storage().address()).isEqualTo(shared.storage().address());
    }
  }

  @Test
  void unmapsWhenClosed() {
    var read = ProgramFile.read(file);
    var storage = read.weights().weight("shared").storage();
    read.close();
    assertThat(storage.scope().isAlive()).isFalse();
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    for (int i = 0; i < TRUNCATIONS; i++) {
      refuses(Arrays.copyOf(good, (int) ((long) good.length * i / TRUNCATIONS)));
    }
    refuses(Arrays.copyOf(good, good.length - 1));
    refuses(Arrays.copyOf(good, good.length + 1));
  }

  @Test
  void refusesEveryFlippedBitBeforeTheTensors() throws IOException {
    int end = HEAD_BYTES + (int) ByteBuffer.wrap(good).getLong(8);
    var random = new Random(7);
    for (int i = 0; i < FLIPS; i++) {
      byte[] bad = good.clone();
      bad[random.nextInt(end)] ^= (byte) (1 << random.nextInt(8));
      refuses(bad);
    }
  }

  /// The checksum keeps accidents out; what gets past it must still make sense or be refused.
  @Test
  void refusesOrUnderstandsChangesUnderARightChecksum() throws IOException {
    var random = new Random(8);
    int refused = 0;
    for (int i = 0; i < FLIPS; i++) {
      byte[] block = block();
      for (int n = random.nextInt(3); n >= 0; n--) {
        int at = random.nextInt(block.length);
        block[at] = random.nextBoolean() ? (byte) (block[at] ^ 1 << random.nextInt(8)) : (byte) random.nextInt();
      }
      Files.write(file, sealed(block));
      try (var read = ProgramFile.read(file)) {
        assertThat(read.programs()).isNotEmpty();
      } catch (MalformedModelException e) {
        refused++;
        assertThat(e).hasMessageContaining("model.dsp").hasMessageContaining("deepstack compile");
      }
    }
    assertThat(refused).isGreaterThan(FLIPS / 2);
  }

  private byte[] block() {
    return Arrays.copyOfRange(good, HEAD_BYTES, HEAD_BYTES + (int) ByteBuffer.wrap(good).getLong(8));
  }

  /// The file with another block of the same length.
  private byte[] sealed(byte[] block) {
    return ByteBuffer.wrap(good.clone()).put(16, ProgramFile.hash(block)).put(HEAD_BYTES, block).array();
  }

  private void refuses(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    assertThatThrownBy(() -> ProgramFile.read(file)).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("model.dsp").hasMessageContaining("deepstack compile");
  }

  @Test
  void refusesForeignFilesAndOtherVersions() throws IOException {
    refuses(new byte[0]);
    refuses("PK\3\4 something else entirely that is longer than a head, as archives and texts are"
        .getBytes(StandardCharsets.UTF_8));
    good[7] = 2;
    Files.write(file, good);
    assertThatThrownBy(() -> ProgramFile.read(file)).hasMessageContaining("format version 2");
    assertThatThrownBy(() -> ProgramFile.read(folder)).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("not a file");
    assertThatThrownBy(() -> ProgramFile.read(folder.resolve("none"))).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no such file");
  }

  @Test
  void refusesPartsThatDoNotFit() {
    refuses(p -> HandMade.with(p, List.of(new Buffer.Slot(1))), "buffer Slot[slot=1] points nowhere");
    refuses(p -> HandMade.withWeight(p, "nobody", 0, 6), "weight nobody is missing");
    refuses(p -> HandMade.withWeight(p, "plain", 1, 6), "weight plain does not fit its use");
    refuses(p -> HandMade.withWeight(p, "plain", 0, 5), "weight plain is not used as a whole");
    refuses(p -> HandMade.withWeight(p, "plain", 0, -1), "a weight has no extents");
    refuses(p -> HandMade.withFeatures(p, List.of("rm -rf")), "a CPU feature without a sensible name");
    refuses(p -> HandMade.withoutSymbols(p), "which has no value");
  }

  private void refuses(UnaryOperator<Program> change, String reason) {
    Program program = change.apply(HandMade.program());
    var model = HandMade.model(List.of(program));
    byte[] block = BlockWriter.write(model, HandMade.weights(), HandMade.PLACES);
    assertThatThrownBy(() -> BlockReader.read(block, HandMade.DATA, 0, () -> {}))
        .isInstanceOf(MalformedModelException.class).hasMessageContaining(reason);
  }

  @Test
  void leavesNothingBehindWhenItCannotWrite() throws IOException {
    Path taken = Files.createDirectories(folder.resolve("taken.dsp/inside")).getParent();
    assertThatThrownBy(() -> ProgramFile.write(taken, HandMade.model())).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("cannot write " + taken);
    Path nowhere = folder.resolve("nowhere/model.dsp");
    assertThatThrownBy(() -> ProgramFile.write(nowhere, HandMade.model())).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no such file or folder");
    try (var left = Files.list(folder)) {
      assertThat(left.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("model.dsp", "taken.dsp");
    }
  }

  @Test
  void replacesAnOlderFileWhole() throws IOException {
    var small = HandMade.model(List.of(HandMade.program()));
    try (var before = ProgramFile.read(file)) {
      ProgramFile.write(file, small);
      assertThat(before.weights().weight("plain").contiguous(Arena.ofAuto()).toFloats())
          .containsExactly(0, 1, 2, 3, 4, 5);
    }
    try (var after = ProgramFile.read(file)) {
      assertThat(after.programs()).hasSize(1);
    }
  }
}
