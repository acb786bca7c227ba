package dev.deepstack.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.hub.FaultyHub.Faults;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PullTest {
  private static final int SIZE = 1_000_003;
  private static final int CHUNK = 100_000;
  private static final Retry QUICK = new Retry(3, Duration.ofMillis(1), Duration.ofMillis(5), Duration.ofSeconds(5));

  @TempDir
  private Path folder;

  private FaultyHub hub;
  private final byte[] weights = new byte[SIZE];

  /// Adds up what it is told.
  private static final class Counted implements Progress {
    private final AtomicLong bytes = new AtomicLong();
    private long present;

    @Override
    public void begin(int files, long total, long there) {
      present = there;
      bytes.set(there);
    }

    @Override
    public void bytes(String path, long count) {
      bytes.addAndGet(count);
    }

    @Override
    public void checking(String path) {}

    @Override
    public void placed(String path, long size) {}
  }

  @BeforeEach
  void start() throws IOException {
    new Random(1).nextBytes(weights);
    hub = new FaultyHub();
    hub.add("config.json", "{}".getBytes(StandardCharsets.UTF_8));
    hub.add("model.safetensors", weights);
  }

  @AfterEach
  void stop() {
    hub.close();
  }

  private Hub address(Map<String, String> environment) {
    return Hub.of(null, hub.address(), environment);
  }

  private List<Pull.Placed> pull(String... files) throws InterruptedException {
    return pull(new Counted(), files);
  }

  private List<Pull.Placed> pull(Progress progress, String... files) throws InterruptedException {
    return new Pull(address(Map.of()), QUICK, 4, CHUNK).run(Repository.parse("some/model", "main"), List.of(files),
        folder, progress);
  }

  private void assertWeights() throws IOException {
    assertThat(Files.readAllBytes(folder.resolve("model.safetensors"))).isEqualTo(weights);
    assertThat(names()).allMatch(n -> !n.contains(".part"));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).map(f -> folder.relativize(f).toString()).sorted().toList();
    }
  }

  /// One clear sentence, and nothing under the final name.
  private void assertRefused(Class<? extends RuntimeException> type, String... words) throws IOException {
    assertThatThrownBy(() -> pull("model.safetensors")).isInstanceOf(type)
        .message().contains(words).doesNotContain("\n", "Exception", "java.");
    assertThat(folder.resolve("model.safetensors")).doesNotExist();
  }

  @Test
  void bringsEverythingInParts() throws Exception {
    var progress = new Counted();
    var placed = pull(progress);
    assertWeights();
    assertThat(names()).containsExactly("config.json", "model.safetensors");
    assertThat(placed).extracting(Pull.Placed::checked).containsOnly("SHA-256");
    assertThat(progress.bytes).hasValue(SIZE + 2);
    assertThat(hub.requests.stream().filter(r -> r.range().startsWith("bytes="))).hasSize(11);
  }

  @Test
  void leavesAloneWhatIsThere() throws Exception {
    pull();
    hub.requests.clear();
    assertThat(pull()).extracting(Pull.Placed::fetched).containsOnly(false);
    assertThat(hub.requests).hasSize(1);
    Files.write(folder.resolve("model.safetensors"), new byte[SIZE]);
    assertThat(pull()).extracting(Pull.Placed::fetched).containsExactlyInAnyOrder(false, true);
    assertWeights();
  }

  @Test
  void speaksModelScope() throws Exception {
    var modelScope = new Pull(Hub.of(Hub.Kind.MODELSCOPE, hub.address(), Map.of()), QUICK, 2, CHUNK);
    modelScope.run(Repository.parse("some/model", "master"), List.of(), folder, new Counted());
    assertWeights();
  }

  @Test
  void checksSmallFilesAsGitDoes() throws Exception {
    byte[] text = "hello\n".getBytes(StandardCharsets.UTF_8);
    hub.add("notes.txt", text);
    hub.listed.put("notes.txt", """
        {"type":"file","oid":"ce013625030ba8dba906f756967f9e9ca394464a","size":6,"path":"notes.txt"}""");
    assertThat(pull("notes.txt")).extracting(Pull.Placed::checked).containsExactly("git's SHA-1");
    assertThat(folder.resolve("notes.txt")).hasBinaryContent(text);
  }

  @Test
  void goesOnAfterDroppedConnections() throws Exception {
    hub.faults = Faults.dropping(30_000, false);
    pull();
    assertWeights();
  }

  @Test
  void survivesAServerWithoutRanges() throws Exception {
    hub.faults = Faults.dropping(0, true);
    pull();
    assertWeights();
    assertThat(hub.count).hasValue(2);
  }

  @Test
  void givesUpWhereNothingMoves() throws Exception {
    hub.faults = Faults.dropping(30_000, true);
    assertRefused(InvalidInputException.class, "does not get any further", "connection ended early", "run the command");
    assertThat(folder.resolve("model.safetensors.part")).exists();
  }

  @Test
  void resumesWhatAnEarlierPullLeft() throws Exception {
    hub.faults = Faults.dropping(30_000, true);
    assertThatThrownBy(() -> pull("model.safetensors")).isInstanceOf(InvalidInputException.class);
    hub.faults = Faults.none();
    hub.requests.clear();
    var progress = new Counted();
    pull(progress, "model.safetensors");
    assertWeights();
    assertThat(progress.present).isEqualTo(30_000);
    assertThat(hub.requests).extracting(FaultyHub.Request::range).contains("bytes=30000-129999");
  }

  @Test
  void doesNotTrustWhatAnEarlierPullLeft() throws Exception {
    hub.faults = Faults.dropping(30_000, true);
    assertThatThrownBy(() -> pull("model.safetensors")).isInstanceOf(InvalidInputException.class);
    Files.write(folder.resolve("model.safetensors.part"), new byte[30_000]);
    hub.faults = Faults.none();
    pull("model.safetensors");
    assertWeights();
    Files.delete(folder.resolve("model.safetensors"));
    Files.writeString(folder.resolve("model.safetensors.part.json"), "{\"size\":1,");
    pull("model.safetensors");
    assertWeights();
  }

  @Test
  void waitsForABusyServer() throws Exception {
    hub.faults = Faults.answering(429, 500, 503, 200);
    assertRefused(InvalidInputException.class, "error 503");
    hub.count.set(0);
    hub.faults = Faults.answering(429, 500);
    pull();
    assertWeights();
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404, 416, 418})
  void saysWhatARefusalMeans(int status) throws Exception {
    hub.faults = Faults.answering(status);
    Class<? extends RuntimeException> type =
        status == 416 ? MalformedModelException.class : InvalidInputException.class;
    assertRefused(type, switch (status) {
      case 401 -> "HF_TOKEN";
      case 403 -> "terms";
      case 404 -> "has no model.safetensors";
      case 416 -> "shorter";
      default -> "418";
    });
    assertThat(hub.count).hasValue(1);
  }

  @Test
  void refusesWrongBytes() throws Exception {
    byte[] other = weights.clone();
    other[SIZE / 2] ^= 1;
    hub.files.put("model.safetensors", other);
    assertRefused(MalformedModelException.class, "SHA-256", "thrown away");
    assertThat(names()).isEmpty();
  }

  @Test
  void refusesLies() throws Exception {
    hub.files.put("model.safetensors", new byte[SIZE - 7]);
    assertRefused(MalformedModelException.class, "other bytes");
    hub.faults = Faults.dropping(0, true);
    assertRefused(MalformedModelException.class, "999996 bytes", "1000003");
    hub.files.put("model.safetensors", weights);
    hub.faults = new Faults(0, false, 0, false, true, List.of(), false, false);
    assertRefused(MalformedModelException.class, "other bytes");
    hub.faults = new Faults(0, true, 0, true, false, List.of(), false, false);
    assertRefused(MalformedModelException.class, "more than");
    hub.faults = new Faults(0, true, 500, false, false, List.of(), false, false);
    assertRefused(MalformedModelException.class, "1000503 bytes");
    hub.faults = new Faults(0, false, 0, false, false, List.of(), true, false);
    assertRefused(MalformedModelException.class, "changes");
  }

  @Test
  void givesUpOnASilentServer() throws Exception {
    hub.faults = new Faults(0, false, 0, false, false, List.of(), false, true);
    var impatient = new Retry(1, Duration.ofMillis(1), Duration.ofMillis(1), Duration.ofMillis(300));
    assertThatThrownBy(() -> new Pull(address(Map.of()), impatient, 1, CHUNK).run(
        Repository.parse("some/model", "main"), List.of("model.safetensors"), folder, new Counted()))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("said nothing");
  }

  @Test
  void keepsTheTokenAtTheHub() throws Exception {
    hub.token = "hf_secret";
    assertRefused(InvalidInputException.class, "set HF_TOKEN");
    try (var other = new FaultyHub()) {
      other.files.putAll(hub.files);
      hub.redirect = other.address();
      new Pull(address(Map.of("HF_TOKEN", "hf_secret")), QUICK, 2, CHUNK).run(Repository.parse("some/model", "main"),
          List.of(), folder, new Counted());
      assertThat(other.requests).isNotEmpty().extracting(FaultyHub.Request::authorization).containsOnly("");
    }
    assertWeights();
    hub.redirect = hub.address();
    Files.delete(folder.resolve("model.safetensors"));
    assertThatThrownBy(() -> new Pull(address(Map.of("HF_TOKEN", "hf_wrong")), QUICK, 2).run(
        Repository.parse("some/model", "main"), List.of(), folder, new Counted()))
        .isInstanceOf(InvalidInputException.class).message().contains("HF_TOKEN").doesNotContain("hf_wrong");
  }

  @Test
  void refusesCirclesAndOtherSchemes() throws Exception {
    hub.redirect = hub.address();
    assertRefused(MalformedModelException.class, "circles");
    hub.redirect = "file:///etc/passwd#";
    assertRefused(MalformedModelException.class, "no web address");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../evil.json", "/etc/evil.json", "a/../../evil.json", "a//b.json", "./a.json", "a\\\\b.json",
      "C:evil.json", "a\\u0000b.json", "", "a/"})
  void refusesNamesThatLeaveTheFolder(String path) throws IOException {
    hub.listing = "[{\"type\":\"file\",\"oid\":\"" + "0".repeat(40) + "\",\"size\":2,\"path\":\"" + path + "\"}]";
    assertRefused(MalformedModelException.class, "does not stay inside");
    assertThat(hub.requests).hasSize(1);
    assertThat(names()).isEmpty();
  }

  @Test
  void saysThatAListHasNoEnd() {
    hub.listing = "[]";
    hub.next = "/api/models/o/m/tree/main?page=";
    for (int pages : new int[] {2, 5000}) {
      hub.pages = pages;
      assertThatThrownBy(this::pull).isInstanceOf(MalformedModelException.class).hasMessageContaining("without end");
    }
  }

  @Test
  void refusesLinksOutOfTheFolder(@TempDir Path elsewhere) throws Exception {
    Files.createSymbolicLink(folder.resolve("sub"), elsewhere);
    hub.add("sub/x.json", new byte[10]);
    assertThatThrownBy(() -> pull("sub/x.json")).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("leads out");
    assertThat(elsewhere).isEmptyDirectory();
  }

  @Test
  void refusesWhatTheDiskCannotHold() throws IOException {
    hub.listed.put("model.safetensors", hub.listed.get("model.safetensors").replace("1000003", "1000000000000000"));
    assertRefused(InvalidInputException.class, "room for", "--output");
    assertThat(names()).isEmpty();
  }

  @Test
  void refusesListsThatMakeNoSense() throws IOException {
    String entry = hub.listed.get("config.json");
    hub.listing = "<html>";
    assertRefused(MalformedModelException.class, "no list");
    hub.listing = "[" + entry + "," + entry + "]";
    assertRefused(MalformedModelException.class, "config.json", "twice");
    hub.listing = "[" + entry.replace(":2,", ":-2,") + "]";
    assertRefused(MalformedModelException.class, "config.json has -2 bytes");
    hub.listing = "[]";
    assertRefused(InvalidInputException.class, "no files at all");
  }

  @Test
  void asksWhichOfSeveralModels() throws Exception {
    hub.files.clear();
    hub.listed.clear();
    hub.add("model-Q8_0.gguf", weights);
    hub.add("model-Q4_0-00001-of-00002.gguf", weights);
    hub.add("model-Q4_0-00002-of-00002.gguf", weights);
    hub.add("config.json", "{}".getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(() -> pull()).isInstanceOf(InvalidInputException.class).hasMessageContaining("--file");
    assertThat(pull("*Q4_0*")).hasSize(2);
    assertThatThrownBy(() -> pull("*Q5*")).isInstanceOf(InvalidInputException.class).hasMessageContaining("*Q5*");
    hub.listed.remove("model-Q8_0.gguf");
    assertThat(pull()).extracting(Pull.Placed::path).contains("config.json").hasSize(3);
  }

  @Test
  void refusesBadNamesAndAddresses() {
    for (String name : List.of("x", "a/b/c", "../b", "a/..", "a b/c", "")) {
      assertThatThrownBy(() -> Repository.parse(name, "main")).isInstanceOf(InvalidInputException.class);
    }
    assertThatThrownBy(() -> Repository.parse("a/b", "../x")).isInstanceOf(InvalidInputException.class);
    for (String url : List.of("ftp://x", "x", "http://u:p@x", "http://a b")) {
      assertThatThrownBy(() -> Hub.of(null, url, Map.of())).isInstanceOf(InvalidInputException.class);
    }
    Hub plain = Hub.of(null, "http://example.com", Map.of("HF_TOKEN", "t"));
    assertThat(plain.trusts(plain.base())).isFalse();
    assertThat(Hub.of(null, null, Map.of("HF_TOKEN", "t")).toString()).doesNotContain("t\"").endsWith("huggingface.co");
  }

  @Test
  void saysThatNobodyIsThere() {
    String gone = hub.address();
    hub.close();
    assertThatThrownBy(() -> new Pull(Hub.of(null, gone, Map.of()), QUICK, 2).run(
        Repository.parse("some/model", "main"), List.of(), folder, new Counted()))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("cannot be reached");
  }
}
