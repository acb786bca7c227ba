package dev.deepstack.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.program.Program;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.program.WeightRecipe.Layout;
import dev.deepstack.program.WeightRecipe.Piece;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Packed weights in a file: found again when it is the right one, never in the way.
class PackedCopyTest {
  private static final WeightRecipe LARGE = recipe("large", 2100, 4096);
  private static final WeightRecipe SMALL = recipe("small", 3, 5);

  @TempDir
  private Path folder;
  private final List<String> notices = new ArrayList<>();

  private static WeightRecipe recipe(String name, long rows, long columns) {
    return new WeightRecipe(Layout.PANELS, DType.F32, 1, rows, columns,
        List.of(new Piece(name, 0, rows, 0, columns, 1)));
  }

  private static Program program(WeightRecipe... weights) {
    return new Program(List.of(), List.of(), List.of(), new LinkedHashMap<>(), List.of(), List.of(),
        new LinkedHashMap<>(), List.of(), List.of(weights),
        List.of(), Dim.ZERO, new byte[0], List.of(), "any", 16);
  }

  private PackedCopy.Place place(String identity) {
    return new PackedCopy.Place(folder.resolve("kept").resolve("model.panels"), identity, notices::add, () -> 0);
  }

  private static long bytes(WeightRecipe recipe) {
    return recipe.panels(16).bytes();
  }

  private void keep() {
    try (var arena = Arena.ofShared()) {
      PackedCopy copy = Objects.requireNonNull(PackedCopy.of(place("a"), List.of(program(LARGE, SMALL)), arena));
      assertThat(copy.find(LARGE)).isNull();
      MemorySegment large = arena.allocate(bytes(LARGE), 64);
      large.set(ValueLayout.JAVA_INT, bytes(LARGE) - 4, 77);
      MemorySegment small = arena.allocate(bytes(SMALL), 64);
      small.set(ValueLayout.JAVA_INT, 0, 99);
      copy.keep(Map.of(LARGE, large, SMALL, small));
      copy.close();
    }
  }

  @Test
  void findsWhatWasKept() throws IOException {
    keep();
    assertThat(notices).isEmpty();
    try (var files = Files.list(folder.resolve("kept"))) {
      assertThat(files.map(f -> f.getFileName().toString())).containsExactly("model.panels");
    }
    try (var arena = Arena.ofShared()) {
      PackedCopy copy = Objects.requireNonNull(PackedCopy.of(place("a"), List.of(program(LARGE, SMALL)), arena));
      MemorySegment large = Objects.requireNonNull(copy.find(LARGE));
      assertThat(large.get(ValueLayout.JAVA_INT, bytes(LARGE) - 4)).isEqualTo(77);
      assertThat(Objects.requireNonNull(copy.find(SMALL)).get(ValueLayout.JAVA_INT, 0)).isEqualTo(99);
      assertThat(large.isMapped()).isTrue();

      copy.read(arena);
      MemorySegment read = Objects.requireNonNull(copy.find(LARGE));
      assertThat(read.isMapped()).isFalse();
      assertThat(read.mismatch(large)).isEqualTo(-1);
      assertThat(Objects.requireNonNull(copy.find(SMALL)).get(ValueLayout.JAVA_INT, 0)).isEqualTo(99);
    }
  }

  @Test
  void whatIsNotReadInTimeStaysInTheFile() {
    keep();
    try (var arena = Arena.ofShared()) {
      var late = new ResidentWeights(place("a").file(), arena, () -> 0, -1);
      late.readAll(Map.of(4096L, bytes(LARGE)));
      assertThat(late.find(4096)).isNull();
      var cut = new ResidentWeights(place("a").file(), arena, () -> 0, 1_000_000_000);
      cut.readAll(Map.of(4096L, bytes(LARGE), 4096L + bytes(LARGE), 1L << 30));
      assertThat(cut.find(4096)).isNotNull();
      assertThat(cut.find(4096L + bytes(LARGE))).isNull();
      var missing = new ResidentWeights(folder.resolve("nowhere"), arena, () -> 0, 1_000_000_000);
      missing.readAll(Map.of(4096L, bytes(LARGE)));
      assertThat(missing.find(4096)).isNull();
    }
  }

  @Test
  void ignoresTheCopyOfAnotherModelOrABrokenOne() throws IOException {
    keep();
    try (var arena = Arena.ofShared()) {
      var other = PackedCopy.of(place("b"), List.of(program(LARGE, SMALL)), arena);
      assertThat(Objects.requireNonNull(other).find(LARGE)).isNull();
      var turned = PackedCopy.of(place("a"), List.of(program(SMALL, LARGE)), arena);
      assertThat(Objects.requireNonNull(turned).find(LARGE)).isNull();
    }
    try (var file = new RandomAccessFile(place("a").file().toFile(), "rw")) {
      file.setLength(file.length() - 1);
    }
    try (var arena = Arena.ofShared()) {
      var cut = PackedCopy.of(place("a"), List.of(program(LARGE, SMALL)), arena);
      assertThat(Objects.requireNonNull(cut).find(LARGE)).isNull();
    }
  }

  @Test
  void saysWhyNothingCanBeKept() throws IOException {
    Files.writeString(folder.resolve("kept"), "a file where a folder should be");
    keep();
    assertThat(notices).singleElement().asString().contains("cannot be kept in").contains("packed again");
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void keepsNothingThatIsPackedInNoTime() {
    try (var arena = Arena.ofShared()) {
      assertThat(PackedCopy.of(place("a"), List.of(program(SMALL)), arena)).isNull();
      assertThat(PackedCopy.of(null, List.of(program(LARGE)), arena)).isNull();
    }
  }
}
