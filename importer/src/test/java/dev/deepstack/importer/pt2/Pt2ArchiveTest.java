package dev.deepstack.importer.pt2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Pt2ArchiveTest {
  private static final String PROGRAM = "model/models/model.json";
  private static final String CONFIG = "model/data/weights/model_weights_config.json";

  @TempDir Path folder;
  private TestZip zip;

  @BeforeEach
  void copy() {
    zip = TestZip.copyOf(Fixtures.file("hop_cond/model.pt2"));
  }

  private Pt2Model open(byte[] bytes) throws IOException {
    return Pt2Archive.open(Files.write(folder.resolve("some.pt2"), bytes), Arena.ofAuto());
  }

  private void malformed(String message) {
    assertThatThrownBy(() -> open(zip.bytes())).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("some.pt2").hasMessageContaining(message);
  }

  private void unsupported(String message) {
    assertThatThrownBy(() -> open(zip.bytes())).isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("some.pt2").hasMessageContaining(message);
  }

  private void edit(String entry, UnaryOperator<String> change) {
    var before = zip.text(entry);
    var after = change.apply(before);
    assertThat(after).isNotEqualTo(before);
    zip.replace(entry, after);
  }

  @Test
  void opensARewrittenCopy() throws IOException {
    assertThat(open(zip.bytes()).program().graph().nodes()).hasSize(3);
    var deflated = new TestZip();
    zip.entries.forEach(entry ->
        deflated.deflate(new String(entry.centralName, StandardCharsets.UTF_8), entry.data, _ -> {}));
    assertThat(open(deflated.bytes()).weights().tensors()).hasSize(4);
  }

  @Test
  void refusesWhatIsNoModel() {
    assertThatThrownBy(() -> open(new byte[0])).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("empty");
    assertThatThrownBy(() -> Pt2Archive.open(folder.resolve("absent.pt2"), Arena.ofAuto()))
        .isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> Pt2Archive.open(folder, Arena.ofAuto()))
        .isInstanceOf(InvalidInputException.class);
    zip = new TestZip().add("readme.txt", "hello");
    malformed("without an exported program");
  }

  @Test
  void saysWhatOtherFilesAre() {
    zip.remove(PROGRAM);
    zip.add("model/data/aotinductor/model/x.so", "code");
    unsupported("already compiled");
    zip = new TestZip().add("x/data.pkl", "").add("x/version", "3\n");
    unsupported("torch.save");
    zip = new TestZip().add("x/data.pkl", "").add("x/.data/version", "3\n");
    unsupported("torch.save");
  }

  @ParameterizedTest
  @CsvSource({"archive_version, 1, version", "byteorder, big, big-endian", "archive_format, zip, format"})
  void refusesOtherArchives(String entry, String content, String message) {
    zip.replace("model/" + entry, content);
    unsupported(message);
  }

  @Test
  void refusesOtherSchemas() {
    edit(PROGRAM, text -> text.replaceAll("\"schema_version\": *\\{\"major\": *8",
        "\"schema_version\": {\"major\": 9"));
    unsupported("schema version 9");
    // Also when the newer program cannot even be parsed.
    edit(PROGRAM, text -> text.replace("\"input_specs\"", "\"input_specifications\""));
    unsupported("schema version 9");
  }

  @Test
  void refusesOldVersions() {
    zip = TestZip.copyOf(Fixtures.file("hop_cond/model.torch2.6.pt2"));
    zip.replace("version", "7.3");
    unsupported("format version \"7.3\"".replace("\"", ""));
  }

  @Test
  void choosesTheModel() throws IOException {
    zip.add("model/models/other.json", zip.text(PROGRAM));
    assertThat(open(zip.bytes()).name()).isEqualTo("model");
    zip.add("model/models/third.json", zip.text(PROGRAM));
    zip.remove(PROGRAM);
    unsupported("other, third");
    zip = TestZip.copyOf(Fixtures.file("hop_while/model.pt2"));
    zip.add("model/models/only.json", zip.text(PROGRAM));
    zip.remove(PROGRAM);
    assertThat(open(zip.bytes()).name()).isEqualTo("only");
    var file = folder.resolve("some.pt2");
    assertThatThrownBy(() -> Pt2Archive.open(file, "absent", Arena.ofAuto()))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("only");
  }

  @Test
  void refusesWeightlessPrograms() {
    zip.replace(CONFIG, "{\"config\": {}}");
    unsupported("none of its 4 weights");
    zip = TestZip.copyOf(Fixtures.file("hop_cond/model.pt2"));
    zip.replace("model/data/weights/weight_0", "");
    unsupported("without its values");
  }

  @Test
  void refusesTensorsOutsideTheirStorage() {
    edit(CONFIG, text -> text.replaceFirst("\"storage_offset\": *\\{\"as_int\": *0",
        "\"storage_offset\": {\"as_int\": 1"));
    malformed("outside its storage");
    for (var number : new String[] {"-1", "4611686018427387904", "9223372036854775807", "1000000"}) {
      copy();
      edit(CONFIG, text -> text.replaceFirst("(\"sizes\": *\\[\\{\"as_int\": *)[0-9]+", "$1" + number));
      malformed("tensor");
    }
    copy();
    var weight = "model/data/weights/weight_0";
    zip.replace(weight, zip.data(weight).length > 4 ? "abcd" : "a");
    malformed("outside its storage");
  }

  @Test
  void refusesUnreasonablyRepeatedStorage() {
    edit(CONFIG, text -> text.replaceFirst("\"sizes\": *\\[[^]]*\\]",
        "\"sizes\": [{\"as_int\": 1099511627776}]")
        .replaceFirst("\"strides\": *\\[[^]]*\\]", "\"strides\": [{\"as_int\": 0}]"));
    unsupported("unreasonable");
  }

  @Test
  void refusesConfigsThatPointElsewhere() {
    edit(CONFIG, text -> text.replaceFirst("weight_0", "../../secret"));
    malformed("no entry");
    copy();
    edit(CONFIG, text -> text.replaceFirst("weight_0", "/etc/passwd"));
    malformed("no entry");
  }

  @Test
  void ignoresUnknownKeysAndKeepsUnknownTags() throws IOException {
    edit(PROGRAM, text -> text.replaceFirst("\\{", "{\"news\": {\"a\": [1, {\"b\": null}]}, "));
    edit(PROGRAM, text -> text.replaceFirst("\\{\"as_int\": *0\\}, *\"kind\"",
        "{\"as_hologram\": {\"x\": [1]}}, \"kind\""));
    var nodes = open(zip.bytes()).program().graph().nodes();
    assertThat(nodes.stream().flatMap(node -> node.inputs().stream()).map(NamedArgument::arg))
        .contains(new Argument.UnknownArg("as_hologram"));
  }

  @Test
  void acceptsBareInfinity() throws IOException {
    zip = TestZip.copyOf(Fixtures.file("arg_kinds/model.torch2.6.pt2"));
    assertThat(zip.text("serialized_exported_program.json")).containsPattern("[:\\[] *-?Infinity");
    var values = open(zip.bytes()).program().graph().nodes().stream()
        .flatMap(node -> node.inputs().stream()).map(NamedArgument::arg).toList();
    assertThat(values).anyMatch(value ->
        value instanceof Argument.FloatArg(var number) && Double.isInfinite(number));
  }

  @Test
  void refusesBrokenPrograms() {
    for (var text : new String[] {"", "[]", "nonsense", "{", "{}", "{\"a\":", "\u0000", "null",
        "[".repeat(100_000), "{\"a\":".repeat(100_000),
        "{\"graph_module\": 7, \"schema_version\": {\"major\": 8}}"}) {
      zip.replace(PROGRAM, text);
      malformed(PROGRAM);
    }
  }

  @Test
  void refusesGraphsThatDoNotHoldTogether() {
    edit(PROGRAM, text -> text.replaceFirst("\"as_tensor\": *\\{\"name\": *\"x\"",
        "\"as_tensor\": {\"name\": \"y\""));
    malformed("y");
    copy();
    edit(PROGRAM, text -> text.replaceFirst("\"parameter_name\"", "\"name_of_parameter\""));
    malformed("parameter_name");
  }
}
