package dev.deepstack.program.code;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// Files that get shorter under their mappings.
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class FaultWatchTest {
  private static final int PAGE = 4096;

  @TempDir
  private Path folder;

  private Path file(String name) throws IOException {
    var bytes = new byte[4 * PAGE];
    Arrays.fill(bytes, (byte) 7);
    return Files.write(folder.resolve(name), bytes);
  }

  private static MemorySegment map(Path file, Arena arena) throws IOException {
    try (var channel = FileChannel.open(file)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
  }

  private static void cut(Path file, long bytes) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(bytes);
    }
  }

  private static byte read(MemorySegment mapped, int page) {
    return mapped.get(ValueLayout.JAVA_BYTE, page * (long) PAGE + 5);
  }

  @Test
  void readsZerosWhereAFileEnds() throws IOException {
    Path file = file("Weights mit Ümlaut");
    try (var arena = Arena.ofConfined()) {
      MemorySegment mapped = map(file, arena);
      try (var watch = FaultWatch.of(List.of(file))) {
        assertThat(read(mapped, 3)).isEqualTo((byte) 7);
        assertThat(watch.isDamaged()).isFalse();
        cut(file, PAGE);
        assertThat(read(mapped, 2)).isZero();
        assertThat(read(mapped, 3)).isZero();
        assertThat(read(mapped, 1)).isZero();
        assertThat(read(mapped, 0)).isEqualTo((byte) 7);
        assertThat(watch.isDamaged()).isTrue();
      }
    }
  }

  @Test
  void leavesOtherFaultsToTheJavaMachine() throws IOException {
    Path file = file("watched");
    Path other = file("other");
    try (var arena = Arena.ofConfined()) {
      MemorySegment mapped = map(file, arena);
      MemorySegment untold = map(other, arena);
      try (var watch = FaultWatch.of(List.of(file))) {
        cut(other, PAGE);
        assertThatThrownBy(() -> read(untold, 2)).isInstanceOf(InternalError.class);
        assertThat(watch.isDamaged()).isFalse();
        assertThat(read(mapped, 2)).isEqualTo((byte) 7);
      }
      cut(file, PAGE);
      assertThatThrownBy(() -> read(mapped, 2)).isInstanceOf(InternalError.class);
    }
  }

  @Test
  void knowsTheDamageOfEachModel() throws IOException {
    Path first = file("first");
    Path second = file("second");
    try (var arena = Arena.ofConfined()) {
      MemorySegment a = map(first, arena);
      MemorySegment b = map(second, arena);
      try (var one = FaultWatch.of(List.of(first)); var two = FaultWatch.of(List.of(second))) {
        cut(second, 0);
        assertThat(read(b, 1)).isZero();
        assertThat(one.isDamaged()).isFalse();
        assertThat(two.isDamaged()).isTrue();
        assertThat(read(a, 1)).isEqualTo((byte) 7);
      }
    }
  }
}
