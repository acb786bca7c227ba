package dev.deepstack.program.code;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObjectCacheTest {
  private static final ObjectCache.Key KEY = ObjectCache.Key.of("ir", "llvm 20", "cpu", "+a");
  private static final byte[] OBJECT = {1, 2, 3, 4, 5};

  @TempDir Path temporary;
  private final List<String> warnings = new ArrayList<>();

  private ObjectCache open(Path folder) {
    return ObjectCache.in(folder, warnings::add);
  }

  @Test
  void compilesOnceAndKeepsTheObject() {
    var compilations = new AtomicInteger();
    for (int i = 0; i < 3; i++) {
      var object =
          open(temporary.resolve("a/b"))
              .get(
                  KEY,
                  () -> {
                    compilations.incrementAndGet();
                    return OBJECT;
                  });
      assertThat(object).isEqualTo(OBJECT);
    }
    assertThat(compilations).hasValue(1);
    assertThat(warnings).isEmpty();
  }

  @Test
  void makesAFolderForThisUserAlone() throws IOException {
    open(temporary.resolve("a")).store(KEY, OBJECT);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(temporary.resolve("a"))))
        .isEqualTo("rwx------");
    assertThat(Files.list(temporary.resolve("a"))).hasSize(1);
  }

  @Test
  void everyInputChangesTheKey() {
    assertThat(
            List.of(
                ObjectCache.Key.of("ir2", "llvm 20", "cpu", "+a"),
                ObjectCache.Key.of("ir", "llvm 21", "cpu", "+a"),
                ObjectCache.Key.of("ir", "llvm 20", "cpu2", "+a"),
                ObjectCache.Key.of("ir", "llvm 20", "cpu", "+b"),
                ObjectCache.Key.of("irllvm 20", "", "cpu", "+a")))
        .noneMatch(key -> key.hash().equals(KEY.hash()));
  }

  @Test
  void neverReturnsADamagedObject() throws IOException {
    var cache = open(temporary.resolve("a"));
    cache.store(KEY, OBJECT);
    var file = onlyFile();
    var sound = Files.readAllBytes(file);
    for (int i = 0; i < sound.length; i++) {
      var damaged = sound.clone();
      damaged[i] ^= 4;
      Files.write(file, damaged);
      assertThat(cache.find(KEY)).as("byte %d", i).isNull();
      Files.write(file, Arrays.copyOf(sound, i));
      assertThat(cache.find(KEY)).as("%d bytes", i).isNull();
    }
    Files.write(file, Arrays.copyOf(sound, sound.length + 1));
    assertThat(cache.find(KEY)).isNull();
    Files.write(file, sound);
    assertThat(cache.find(KEY)).isEqualTo(OBJECT);
  }

  @Test
  void doesNotTakeAnObjectOfAnotherKeyOrCpu() throws IOException {
    var cache = open(temporary.resolve("a"));
    cache.store(KEY, OBJECT);
    var other = ObjectCache.Key.of("ir", "llvm 20", "cpu", "+b");
    Files.copy(onlyFile(), temporary.resolve("a").resolve(other.hash() + ".dso"));
    assertThat(cache.find(other)).isNull();
    assertThat(cache.find(new ObjectCache.Key(KEY.hash(), "other cpu"))).isNull();
  }

  @Test
  void refusesAFolderOrFileThatOthersMayWrite() throws IOException {
    var cache = open(temporary.resolve("a"));
    cache.store(KEY, OBJECT);
    Files.setPosixFilePermissions(onlyFile(), PosixFilePermissions.fromString("rw-rw----"));
    assertThat(cache.find(KEY)).isNull();
    Files.setPosixFilePermissions(
        temporary.resolve("a"), PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(open(temporary.resolve("a")).find(KEY)).isNull();
    assertThat(warnings).singleElement().asString().contains("other users may write to it");
  }

  @Test
  void goesOnWithoutAFolder() throws IOException {
    var blocked = Files.writeString(temporary.resolve("file"), "");
    var cache = open(blocked.resolve("a"));
    assertThat(cache.get(KEY, () -> OBJECT)).isEqualTo(OBJECT);
    assertThat(warnings).singleElement().asString().contains("DEEPSTACK_CACHE");
    assertThat(open(Files.createSymbolicLink(temporary.resolve("link"), temporary)).find(KEY))
        .isNull();
  }

  @Test
  void findsItsFolderInTheEnvironment() {
    assertThat(ObjectCache.defaultFolder(Map.of("DEEPSTACK_CACHE", "/x"))).isEqualTo(Path.of("/x"));
    assertThat(ObjectCache.defaultFolder(Map.of("XDG_CACHE_HOME", "/y")))
        .isEqualTo(Path.of("/y/deepstack"));
    assertThat(ObjectCache.defaultFolder(Map.of("XDG_CACHE_HOME", "relative")))
        .isEqualTo(Path.of(System.getProperty("user.home"), ".cache", "deepstack"));
  }

  private Path onlyFile() throws IOException {
    try (var files = Files.list(temporary.resolve("a"))) {
      return files.findFirst().orElseThrow();
    }
  }
}
