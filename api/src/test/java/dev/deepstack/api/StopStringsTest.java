package dev.deepstack.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class StopStringsTest {
  private final StringBuilder out = new StringBuilder();

  private StopStrings stops(String... texts) {
    return new StopStrings(List.of(texts), out::append);
  }

  @Test
  void holdsBackWhatMayBecomeAStop() {
    var stops = stops("\n\nUser:");
    assertThat(stops.add("Hello\n")).isTrue();
    assertThat(out).hasToString("Hello");
    assertThat(stops.add("\nUs")).isTrue();
    assertThat(out).hasToString("Hello");
    assertThat(stops.add("ual")).isTrue();
    assertThat(out).hasToString("Hello\n\nUsual");
    stops.add("\n");
    stops.flush();
    assertThat(out).hasToString("Hello\n\nUsual\n");
  }

  @Test
  void endsBeforeTheFirstOfSeveral() {
    var stops = stops("stop", "to");
    assertThat(stops.add("a stop")).isFalse();
    assertThat(stops.add("more")).isFalse();
    stops.flush();
    assertThat(out).hasToString("a ");
  }

  @Test
  void piecesDoNotMatter() {
    var random = new Random(3);
    for (int round = 0; round < 500; round++) {
      var text = new StringBuilder();
      for (int i = 0; i < 30; i++) {
        text.append((char) ('a' + random.nextInt(2)));
      }
      String[] ends = {"abab", "bbb", "aabba"};
      int first = java.util.Arrays.stream(ends).mapToInt(text::indexOf).filter(i -> i >= 0).min().orElse(30);
      out.setLength(0);
      var stops = stops(ends);
      for (int at = 0; at < 30; ) {
        int next = Math.min(30, at + 1 + random.nextInt(4));
        stops.add(text.substring(at, next));
        at = next;
      }
      stops.flush();
      // A stop may begin earlier than another that is complete earlier; what has passed is passed.
      assertThat(text.toString()).startsWith(out.toString());
      assertThat(out.length()).isGreaterThanOrEqualTo(first);
      for (String end : ends) {
        assertThat(out.toString()).doesNotContain(end);
      }
    }
  }
}
