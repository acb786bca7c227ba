package dev.deepstack.conformance.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What a fuzzer found once stays found: every file of `fixtures/fuzz/TARGET` is read or refused as it should be.
class FuzzCorpusTest {
  private static final Path FOUND = Path.of("fixtures/fuzz");

  private final Oracle oracle = new Oracle();

  @ParameterizedTest
  @EnumSource
  void whatWasFoundIsTakenAsItShould(Target target) throws IOException {
    Path folder = FOUND.resolve(target.folder());
    if (!Files.isDirectory(folder)) {
      return;
    }
    List<Path> files;
    try (var list = Files.list(folder)) {
      files = list.sorted().toList();
    }
    for (Path file : files) {
      byte[] input = Files.readAllBytes(file);
      try {
        oracle.check(target, input);
      } catch (AssertionError | StackOverflowError | OutOfMemoryError e) {
        throw new AssertionError(file + ": " + e, e);
      }
    }
  }

  /// The seeds are what they claim to be: otherwise nothing behind the first check would ever be fuzzed.
  @ParameterizedTest
  @EnumSource
  void mostSeedsAreRead(Target target) throws IOException {
    List<byte[]> seeds = Seeds.of(target);
    long read = seeds.stream().filter(s -> oracle.check(target, s) == Oracle.Outcome.READ).count();
    // Pickles of other archives name storages that are not in this one.
    assertThat(read).isGreaterThanOrEqualTo(target == Target.PICKLE ? 3 : Math.max(1, seeds.size() / 2));
  }

  @Test
  void theOracleFindsWhatItShould() {
    assertThatThrownBy(() -> oracle.check((_, _) -> {
      throw new IllegalStateException("oops");
    }, new byte[3])).isInstanceOf(AssertionError.class).hasMessageContaining("not ours");
    assertThatThrownBy(() -> oracle.check((_, _) -> {
      throw new MalformedModelException(" ");
    }, new byte[3])).isInstanceOf(AssertionError.class).hasMessageContaining("no sentence");
    assertThatThrownBy(() -> oracle.check((_, arena) -> arena.allocate(100 << 20), new byte[3]))
        .isInstanceOf(AssertionError.class).hasMessageContaining("were allocated");
    assertThatThrownBy(() -> oracle.check((_, _) -> assertThat(new byte[100 << 20]).hasSize(100 << 20), new byte[3]))
        .isInstanceOf(AssertionError.class).hasMessageContaining("were allocated");
    assertThat(oracle.check((_, _) -> {
      throw new MalformedModelException("x.pt2: too short; fetch it again");
    }, new byte[3])).isEqualTo(Oracle.Outcome.REFUSED);
  }
}
