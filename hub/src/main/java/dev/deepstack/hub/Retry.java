package dev.deepstack.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/// How often a request that gets nowhere is tried again, and how long to wait before.
///
/// @param attempts in a row without a byte of progress
/// @param first the wait after the first; each further one doubles
/// @param longest no wait is longer
/// @param silence how long a connection may say nothing
public record Retry(int attempts, Duration first, Duration longest, Duration silence) {
  public static Retry standard() {
    return new Retry(6, Duration.ofMillis(500), Duration.ofSeconds(30), Duration.ofSeconds(60));
  }

  /// Waits before attempt number `failures` + 1. Waits differ, so that many connections do not come back together.
  ///
  /// @param problem what failed; a busy server may ask for a longer wait
  void pause(int failures, IOException problem) throws InterruptedException {
    Duration asked = problem instanceof Transport.Busy busy ? busy.pause() : Duration.ZERO;
    long doubled = first.toMillis() << Math.min(failures - 1, 20);
    long wait = Math.min(longest.toMillis(), Math.max(doubled, asked.toMillis()));
    Thread.sleep(wait / 2 + ThreadLocalRandom.current().nextLong(wait / 2 + 1));
  }
}
