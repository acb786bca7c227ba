package dev.deepstack.importer.pt2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.importer.pt2.TorchGlobals.TensorRef;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchPickleTest {
  private static final String STORAGE =
      "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\6tQ";

  /// Each character is one byte.
  private static Object read(String pickle) {
    var bytes = pickle.getBytes(StandardCharsets.ISO_8859_1);
    var segment = Arena.ofAuto().allocate(Math.max(1, bytes.length)).asSlice(0, bytes.length);
    segment.copyFrom(MemorySegment.ofArray(bytes));
    var place = new Place("test.pt");
    return TorchPickle.read(segment, new TorchGlobals(place), place);
  }

  private static void refuses(String pickle, String message) {
    assertThatThrownBy(() -> read(pickle))
        .isInstanceOfAny(MalformedModelException.class, UnsupportedModelException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("test.pt");
  }

  @Test
  void readsPlainValues() {
    assertThat(read("\u0080\2(K\1M\0\1J\u00ff\u00ff\u00ff\u00fft.")).isEqualTo(List.of(1L, 256L, -1L));
    assertThat(read("\u008a\2\0\u00ff.")).isEqualTo(-256L);
    assertThat(read("\u008a\0.")).isEqualTo(0L);
    assertThat(read("\u008a\10\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\177.")).isEqualTo(Long.MAX_VALUE);
    assertThat(read("G?\u00f8\0\0\0\0\0\0.")).isEqualTo(1.5);
    assertThat(read("](K\1K\2e.")).isEqualTo(List.of(1L, 2L));
    assertThat(read("}X\1\0\0\0aq\1\u0088s.")).isEqualTo(Map.of("a", true));
    assertThat(read("N.")).isNull();
    assertThat(read("X\1\0\0\0aq\1h\1\u0086.")).isEqualTo(List.of("a", "a"));
  }

  @Test
  void readsTensors() {
    var tensor = (TensorRef) read("ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE
        + "K\1(K\2K\2t(K\2K\1t\u0089ccollections\nOrderedDict\n)RtR.");
    assertThat(tensor.type()).isEqualTo(ScalarType.FLOAT32);
    assertThat(tensor.offset()).isEqualTo(1);
    assertThat(tensor.shape()).containsExactly(2, 2);
    assertThat(tensor.strides()).containsExactly(2, 1);
    assertThat(tensor.storage().key()).isEqualTo("0");
    assertThat(tensor.storage().bytes()).isEqualTo(24);
  }

  @ParameterizedTest
  @ValueSource(strings = {"os\nsystem", "posix\nsystem", "builtins\neval", "subprocess\nPopen", "torch\nload",
      "torch._utils\n_rebuild_device_tensor_from_numpy", "nt\nsystem", "runpy\n_run_code",
      "collections\ndeque"})
  void refusesEveryOtherGlobalByName(String global) {
    refuses("c" + global + "\n(X\2\0\0\0idtR.", global.replace('\n', '.'));
  }

  @Test
  void saysWhatToDoAboutKnownTensorsItCannotRead() {
    refuses("ctorch._utils\n_rebuild_sparse_tensor\n.", "dense");
    refuses("ctorch._utils\n_rebuild_qtensor\n.", "dense");
    refuses("ctorch._subclasses.fake_tensor\n_reconstruct_fake_tensor\n.", "without weights");
  }

  @ParameterizedTest
  @ValueSource(strings = {"(S'os'\ni", "\u0093", "\u0081", "b", "P0\n", "\u0082\1", "o", "\u0095", "B", "0",
      "2", "V", "I1\n"})
  void refusesOtherOpcodes(String opcode) {
    refuses("NN" + opcode + "...........", "");
    assertThatThrownBy(() -> read(")" + opcode + ")..")).isInstanceOf(MalformedModelException.class);
  }

  @Test
  void refusesBrokenMachines() {
    refuses("", "ends too early");
    refuses("K", "ends too early");
    refuses(".", "not there");
    refuses("NN.", "left over");
    refuses("t.", "never began");
    refuses("(K\1.", "left over");
    refuses("(.", "mark");
    refuses("h\5.", "never stored");
    refuses("q\5.", "not there");
    refuses("NNa.", "no list");
    refuses("}(K\1u.", "no dict");
    refuses("}]Ns.", "as a key");
    refuses("NR.", "no tuple");
    refuses("K\1)R.", "no function");
    refuses("ctorch\nFloatStorage\n)R.", "no function");
    refuses("X\u00ff\u00ff\u00ff\u00ff.", "ends too early");
    refuses("\u008a\11\0\0\0\0\0\0\0\0\0.", "64 bits");
    refuses("\u0080\4N.", "protocol 4");
    refuses("c" + "a".repeat(300) + "\n.", "more than 256");
    refuses("(X\7\0\0\0storageNNNNtQ.", "something else than a storage");
    refuses("ctorch._utils\n_rebuild_tensor_v2\n)R.", "lacks");
    refuses("]".repeat(2_100_000) + ".", "lists and dicts");
  }

  @Test
  void deepNestingIsHarmless() {
    refuses("(".repeat(1_000_000), "ends too early");
    assertThat(read("]".repeat(100_000) + "a".repeat(99_999) + ".")).isInstanceOf(List.class);
  }
}
