package dev.deepstack.importer.pt2;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import dev.deepstack.testkit.Gen;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Damaged files are refused with our two exceptions or read; nothing else comes out, and soon.
class Pt2DamageTest {
  private static final long MS_MAX = 5_000;
  private static final Pattern NUMBER = Pattern.compile("-?[0-9]+");
  private static final Pattern WORD = Pattern.compile("\"[a-z_0-9]+\"");
  private static final List<String> VALUES = List.of("-1", "0", "1", "7", "2147483648", "9223372036854775807",
      "-9223372036854775808", "99999999999999999999", "null", "true", "\"\"", "[]", "{}", "1e400", "NaN");

  @TempDir Path folder;

  private static byte[] bytes(String fixture) {
    try {
      return Files.readAllBytes(Fixtures.file(fixture));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Whether the file was read.
  private boolean survives(byte[] file) {
    long start = System.nanoTime();
    boolean read = false;
    try (var arena = Arena.ofConfined()) {
      Pt2Archive.open(Files.write(folder.resolve("damaged.pt2"), file), arena);
      read = true;
    } catch (MalformedModelException | UnsupportedModelException e) {
      assertThat(e.getMessage()).contains("damaged.pt2").doesNotContain("could not be understood");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat((System.nanoTime() - start) / 1_000_000).isLessThan(MS_MAX);
    return read;
  }

  @ParameterizedTest
  @ValueSource(strings = {"weights_zoo/model.pt2", "weights_zoo/model.torch2.6.pt2",
      "weights_zoo/model.layout2.8.pt2"})
  void everyTruncationIsRefused(String fixture) {
    var whole = bytes(fixture);
    for (int step = 0; step < 500; step++) {
      assertThat(survives(Arrays.copyOf(whole, (int) ((long) whole.length * step / 500)))).isFalse();
    }
    for (int cut = 1; cut < 60; cut++) {
      assertThat(survives(Arrays.copyOf(whole, whole.length - cut))).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"weights_zoo/model.pt2", "weights_zoo/model.torch2.6.pt2",
      "weights_zoo/model.layout2.8.pt2"})
  void bitFlipsAreRefusedOrHarmless(String fixture) {
    var whole = bytes(fixture);
    Gen.forSeeds(800, gen -> {
      var flipped = whole.clone();
      boolean nearEnd = gen.coin();
      int at = nearEnd ? gen.intIn(Math.max(0, whole.length - 4000), whole.length - 1)
          : gen.intIn(0, whole.length - 1);
      flipped[at] ^= (byte) (1 << gen.intIn(0, 7));
      survives(flipped);
    });
  }

  @Test
  void aFlippedWeightIsNoticed() {
    var whole = bytes("llama_kv/model.pt2");
    // The first entry is a weight of 12288 bytes.
    whole[5000] ^= 1;
    assertThat(survives(whole)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"models/model.json", "data/weights/model_weights_config.json"})
  void changedJsonIsRefusedOrHarmless(String entry) {
    Gen.forSeeds(300, gen -> {
      var zip = TestZip.copyOf(Fixtures.file("hop_cond/model.pt2"));
      var text = zip.text("model/" + entry);
      for (int i = gen.intIn(1, 3); i > 0; i--) {
        text = change(text, gen);
      }
      survives(zip.replace("model/" + entry, text).bytes());
    });
  }

  private static String change(String text, Gen gen) {
    var pattern = gen.coin() ? NUMBER : WORD;
    var matches = pattern.matcher(text).results().toList();
    if (gen.chance(0.2) || matches.isEmpty()) {
      int at = gen.intIn(0, text.length() - 1);
      return text.substring(0, at) + (char) gen.intIn(32, 126) + text.substring(at + 1);
    }
    var match = gen.pick(matches);
    var value = pattern == WORD && gen.coin() ? gen.pick(matches).group() : gen.pick(VALUES);
    return text.substring(0, match.start()) + value + text.substring(match.end());
  }

  @Test
  void changedPicklesAreRefusedOrHarmless() {
    Gen.forSeeds(400, gen -> {
      var zip = TestZip.copyOf(Fixtures.file("weights_zoo/model.torch2.6.pt2"));
      var inner = TestZip.copyOf(zip.data("serialized_state_dict.pt"));
      var pickle = inner.entries.stream()
          .map(e -> new String(e.centralName, StandardCharsets.UTF_8))
          .filter(name -> name.endsWith("data.pkl")).findFirst().orElseThrow();
      var data = inner.data(pickle).clone();
      for (int i = gen.intIn(1, 3); i > 0; i--) {
        data[gen.intIn(0, data.length - 1)] = (byte) gen.intIn(0, 255);
      }
      if (gen.chance(0.1)) {
        data = Arrays.copyOf(data, gen.intIn(0, data.length - 1));
      }
      survives(zip.replace("serialized_state_dict.pt", inner.replace(pickle, data).bytes()).bytes());
    });
  }
}
