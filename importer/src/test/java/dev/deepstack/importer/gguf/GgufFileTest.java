package dev.deepstack.importer.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
  private static final Path CONTAINER = Path.of("src", "test", "resources", "gguf", "container.gguf");

  @TempDir Path folder;

  @Test
  void everyTypeOfMetadataIsRead() {
    try (var arena = Arena.ofConfined()) {
      GgufMetadata m = GgufFile.open(CONTAINER, arena).metadata();
      assertThat(m.text("general.architecture")).isEqualTo("llama");
      assertThat(m.whole("v.u8")).isEqualTo(200);
      assertThat(m.whole("v.i8")).isEqualTo(-7);
      assertThat(m.whole("v.u16")).isEqualTo(60000);
      assertThat(m.whole("v.i16")).isEqualTo(-30000);
      assertThat(m.whole("v.u32")).isEqualTo(4000000000L);
      assertThat(m.whole("v.i32")).isEqualTo(-2000000000);
      assertThat(m.whole("v.u64")).isEqualTo(Long.MIN_VALUE + 5);
      assertThat(m.whole("v.i64")).isEqualTo(-(1L << 62));
      assertThat(m.real("v.f32")).isEqualTo(0.1f);
      assertThat(m.real("v.f64")).isEqualTo(0.1);
      assertThat(m.flag("v.yes", false)).isTrue();
      assertThat(m.flag("v.no", true)).isFalse();
      assertThat(m.text("v.text")).isEqualTo("naïve 日本 🙂");
      assertThat(m.wholes("a.i32")).containsExactly(1, -2, 3);
      assertThat(m.reals("a.f32")).containsExactly(0.5, -1.25);
      assertThat(m.texts("a.text")).containsExactly("x", "", "ü");
      assertThat(m.wholes("a.bool")).containsExactly(1, 0, 1);
      assertThat(m.wholes("a.bytes")).containsExactly(1, 2, 255);
    }
  }

  @Test
  void metadataOfAnotherTypeOrMissingIsNamed() {
    try (var arena = Arena.ofConfined()) {
      GgufMetadata m = GgufFile.open(CONTAINER, arena).metadata();
      assertThatThrownBy(() -> m.whole("v.text")).isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("v.text").hasMessageContaining("string").hasMessageContaining("container.gguf");
      assertThatThrownBy(() -> m.text("v.u8")).isInstanceOf(MalformedModelException.class);
      assertThatThrownBy(() -> m.text("nothing")).isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("nothing");
      assertThat(m.whole("nothing", 4)).isEqualTo(4);
      assertThat(m.texts("nothing")).isEmpty();
    }
  }

  @Test
  void tensorsAreViewsOfTheFile() {
    try (var arena = Arena.ofConfined()) {
      GgufFile file = GgufFile.open(CONTAINER, arena);
      assertThat(file.tensors().keySet()).containsExactly("vector", "matrix", "experts", "blocks", "scalar");
      GgufTensor matrix = file.tensor("matrix");
      assertThat(matrix.shape()).containsExactly(3, 4);
      assertThat(matrix.stored().contiguous(arena).toFloats()).startsWith(0, 1, 2, 3, 4).hasSize(12);
      GgufTensor experts = file.tensor("experts");
      assertThat(experts.shape()).containsExactly(2, 3, 4);
      assertThat(experts.stored(1).contiguous(arena).toFloats()).startsWith(12, 13).hasSize(12);
      assertThatThrownBy(() -> experts.stored(2)).isInstanceOf(IndexOutOfBoundsException.class);
      GgufTensor blocks = file.tensor("blocks");
      assertThat(blocks.shape()).containsExactly(3, 64);
      assertThat(blocks.stored().dtype()).isEqualTo(DType.U8);
      assertThat(blocks.stored().shape()).containsExactly(3, 68);
      assertThat(file.tensor("scalar").stored().contiguous(arena).toLongs()).containsExactly(7);
      assertThatThrownBy(() -> file.tensor("none")).isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("none");
    }
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    try (var arena = Arena.ofConfined()) {
      GgufFile file = GgufFile.open(CONTAINER, arena);
      var values = new LinkedHashMap<>(file.metadata().values());
      values.put("a.nested", new GgufValue.Nested(List.of(
          new GgufValue.Wholes(GgufValue.Type.INT16, new long[] {-1, 5}), new GgufValue.Texts(List.of("deep")))));
      values.put("general.alignment", GgufValue.of(64));
      GgufFile again = GgufFile.of("again.gguf", MemorySegment.ofArray(write(values, List.copyOf(
          file.tensors().values()))));
      assertThat(again.metadata().values()).isEqualTo(values);
      assertThat(again.tensors().keySet()).isEqualTo(file.tensors().keySet());
      for (GgufTensor t : again.tensors().values()) {
        assertThat(t.data().mismatch(file.tensor(t.name()).data())).isEqualTo(-1);
        assertThat(t.shape()).isEqualTo(file.tensor(t.name()).shape());
      }
    }
  }

  @Test
  void partsAreOneModelWhicheverIsNamed() throws IOException {
    try (var arena = Arena.ofConfined()) {
      GgufFile whole = GgufFile.open(CONTAINER, arena);
      List<GgufTensor> tensors = List.copyOf(whole.tensors().values());
      Path first = split(whole, 1, tensors.subList(0, 2), 5);
      Path second = split(whole, 2, tensors.subList(2, 5), 5);
      for (Path path : List.of(first, second)) {
        GgufFile model = GgufFile.open(path, arena);
        assertThat(model.tensors().keySet()).isEqualTo(whole.tensors().keySet());
        assertThat(model.metadata().whole("v.u8")).isEqualTo(200);
        assertThat(model.parts()).containsExactly(first, second);
      }
    }
  }

  @Test
  void partsThatDoNotFitAreRefused() throws IOException {
    try (var arena = Arena.ofConfined()) {
      GgufFile whole = GgufFile.open(CONTAINER, arena);
      List<GgufTensor> tensors = List.copyOf(whole.tensors().values());
      Path first = split(whole, 1, tensors.subList(0, 2), 5);
      assertThatThrownBy(() -> GgufFile.open(first, arena)).isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("m-00002-of-00002.gguf").hasMessageContaining("missing");
      split(whole, 2, tensors.subList(2, 4), 5);
      assertThatThrownBy(() -> GgufFile.open(first, arena)).isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("announces 5 tensors");
      split(whole, 2, tensors.subList(1, 5), 5);
      assertThatThrownBy(() -> GgufFile.open(first, arena)).isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("matrix");
      Files.copy(first, folder.resolve("m-00002-of-00002.gguf"),
          StandardCopyOption.REPLACE_EXISTING);
      assertThatThrownBy(() -> GgufFile.open(first, arena)).isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("part 2 of 2");
      Path renamed = Files.copy(first, folder.resolve("renamed.gguf"));
      assertThatThrownBy(() -> GgufFile.open(renamed, arena)).isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("keep its name");
    }
  }

  @Test
  void otherVersionsAndByteOrdersAreNamed() throws IOException {
    byte[] file = Files.readAllBytes(CONTAINER);
    refused(file, 4, 1, UnsupportedModelException.class, "version 1");
    refused(file, 4, 4, UnsupportedModelException.class, "version 4");
    refused(file, 4, 3 << 24, UnsupportedModelException.class, "big-endian");
    refused(file, 0, 0x46554746, MalformedModelException.class, "GGUF");
    // Version 2 has the same layout.
    GgufFile.of("m.gguf", MemorySegment.ofArray(with(file, 4, 2)));
  }

  @Test
  void formatsWithoutAReaderAreNamedAllAtOnce() throws IOException {
    byte[] file = Files.readAllBytes(CONTAINER);
    byte[] changed = withType(withType(file, "matrix", 2, 23), "vector", 1, 99);
    assertThatThrownBy(() -> GgufFile.of("m.gguf", MemorySegment.ofArray(changed)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("iq4_xs").hasMessageContaining("number 99");
  }

  @Test
  void emptyAndMissingFilesAreTheCallersToMend() throws IOException {
    Path empty = Files.createFile(folder.resolve("empty.gguf"));
    try (var arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> GgufFile.open(empty, arena)).isInstanceOf(MalformedModelException.class);
      assertThatThrownBy(() -> GgufFile.open(folder, arena)).isInstanceOf(InvalidInputException.class);
      assertThatThrownBy(() -> GgufFile.open(folder.resolve("none.gguf"), arena))
          .isInstanceOf(InvalidInputException.class);
    }
    assertThat(GgufFile.looksLike(CONTAINER)).isTrue();
    assertThat(GgufFile.looksLike(empty)).isFalse();
  }

  private Path split(GgufFile whole, int part, List<GgufTensor> tensors, int announced) throws IOException {
    var values = new LinkedHashMap<String, GgufValue>();
    if (part == 1) {
      values.putAll(whole.metadata().values());
    }
    values.put("split.no", new GgufValue.Whole(GgufValue.Type.UINT16, part - 1));
    values.put("split.count", new GgufValue.Whole(GgufValue.Type.UINT16, 2));
    values.put("split.tensors.count", new GgufValue.Whole(GgufValue.Type.INT32, announced));
    return Files.write(folder.resolve("m-0000" + part + "-of-00002.gguf"), write(values, tensors));
  }

  private static byte[] write(SequencedMap<String, GgufValue> values, List<GgufTensor> tensors) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var announced = tensors.stream().map(t -> new GgufWriter.Announced(t.name(), t.type(), t.shape())).toList();
    var writer = new GgufWriter(values, announced);
    writer.write(Channels.newChannel(bytes), (t, out) -> out.write(tensors.stream()
        .filter(x -> x.name().equals(t.name())).findFirst().orElseThrow().data().asByteBuffer()));
    assertThat(bytes.size()).isEqualTo(writer.bytes());
    return bytes.toByteArray();
  }

  private static byte[] with(byte[] file, int at, int value) {
    byte[] changed = file.clone();
    ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
    return changed;
  }

  private static byte[] withType(byte[] file, String name, int rank, int type) {
    int at = new String(file, StandardCharsets.ISO_8859_1).indexOf(name);
    return with(file, at + name.length() + 4 + 8 * rank, type);
  }

  private static void refused(byte[] file, int at, int value, Class<?> by, String part) {
    assertThatThrownBy(() -> GgufFile.of("m.gguf", MemorySegment.ofArray(with(file, at, value))))
        .isInstanceOf(by).hasMessageContaining(part).hasMessageContaining("m.gguf");
  }
}
