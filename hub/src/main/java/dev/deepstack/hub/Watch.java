package dev.deepstack.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/// A stream that fails when it says nothing for too long: the HTTP client itself would wait for ever.
final class Watch implements AutoCloseable {
  private final InputStream stream;
  private final Duration silence;
  private final Thread guard;
  private volatile long readingSince;
  private volatile boolean silent;

  Watch(InputStream stream, Duration silence) {
    this.stream = stream;
    this.silence = silence;
    guard = Thread.ofVirtual().start(this::guard);
  }

  private void guard() {
    try {
      while (true) {
        Thread.sleep(Math.max(silence.toMillis() / 4, 1));
        long since = readingSince;
        if (since != 0 && System.nanoTime() - since > silence.toNanos()) {
          silent = true;
          stream.close();
          return;
        }
      }
    } catch (InterruptedException | IOException _) {
      // The reader is done, or finds the stream broken by itself.
    }
  }

  /// As [InputStream#read(byte\[\])].
  int read(byte[] into) throws IOException {
    readingSince = System.nanoTime() | 1;
    try {
      int count = stream.read(into);
      if (silent) {
        throw new IOException("closed");
      }
      return count;
    } catch (IOException e) {
      throw silent ? new IOException("the server said nothing for " + silence.toSeconds() + " s", e) : e;
    } finally {
      readingSince = 0;
    }
  }

  @Override
  public void close() throws IOException {
    guard.interrupt();
    stream.close();
  }
}
