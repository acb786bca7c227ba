package dev.deepstack.hub;

import dev.deepstack.hub.PartFile.Range;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Fetches what is missing of one file, by several ranges at once where the server gives ranges.
final class Download {
  private static final int BUFFER_BYTES = 1 << 17;
  private static final int CHANGES_MAX = 2;
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

  private final Transport transport;
  private final URI address;
  private final RemoteFile file;
  private final PartFile part;
  private final Retry retry;
  private final LongConsumer progress;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile @Nullable String linked;

  /// The server has another version than the one that bytes are there of.
  private static final class Changed extends IOException {
    private static final long serialVersionUID = 1;
  }

  /// @param progress told how many bytes came; a negative number takes bytes back
  Download(Transport transport, URI address, RemoteFile file, PartFile part, Retry retry, LongConsumer progress) {
    this.transport = transport;
    this.address = address;
    this.file = file;
    this.part = part;
    this.retry = retry;
    this.progress = progress;
  }

  /// The checksum that the server named, when the list had none; null when it did not.
  @Nullable Checksum named() {
    Checksum checksum = Checksum.of(unquoted(linked == null ? "" : linked));
    Checksum tag = Checksum.of(unquoted(part.tag()));
    return checksum != null ? checksum : tag != null && tag.kind() == Checksum.Kind.SHA_256 ? tag : null;
  }

  private static String unquoted(String tag) {
    return tag.replaceFirst("^W/", "").replace("\"", "");
  }

  /// @param connections how many ranges at once
  /// @param chunkBytes the most that one request asks for
  void run(int connections, long chunkBytes) throws IOException, InterruptedException {
    for (int changes = 0; ; changes++) {
      try {
        attempt(connections, chunkBytes);
        return;
      } catch (Changed e) {
        progress.accept(-part.bytesDone());
        part.clear();
        if (changes == CHANGES_MAX) {
          throw new MalformedModelException("the hub changes " + file.path()
              + " while it is being read; run the command again later", e);
        }
      }
    }
  }

  private void attempt(int connections, long chunkBytes) throws IOException, InterruptedException {
    failure.set(null);
    List<Range> missing = part.missing(chunkBytes);
    if (missing.isEmpty()) {
      return;
    }
    // The first request shows whether the server gives ranges at all; without them there is one stream.
    if (!fetch(missing.getFirst(), missing.size() > 1 || missing.getFirst().from() > 0)) {
      missing = part.missing(Long.MAX_VALUE / 2);
      for (Range rest : missing) {
        fetch(rest, true);
      }
      return;
    }
    var queue = new ConcurrentLinkedQueue<>(missing.subList(1, missing.size()));
    var workers = new ArrayList<Thread>();
    for (int i = 0; i < Math.min(connections, queue.size()); i++) {
      workers.add(Thread.ofVirtual().start(() -> work(queue)));
    }
    try {
      for (Thread worker : workers) {
        worker.join();
      }
    } catch (InterruptedException e) {
      workers.forEach(Thread::interrupt);
      throw e;
    }
    switch (failure.get()) {
      case null -> {
      }
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }

  private void work(ConcurrentLinkedQueue<Range> queue) {
    try {
      for (Range next = queue.poll(); next != null && failure.get() == null; next = queue.poll()) {
        fetch(next, true);
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  /// Fetches a range, coming back as long as there is progress.
  ///
  /// @return whether the server gave just the range; otherwise it gave the file from the beginning to the end
  private boolean fetch(Range wanted, boolean ranged) throws IOException, InterruptedException {
    long at = wanted.from();
    int failures = 0;
    while (true) {
      long before = at;
      IOException problem;
      try (var answer = transport.get(address, file.path(), headers(at, wanted.to(), ranged || at > 0))) {
        remember(answer);
        at = answer.isPart() ? copyPart(answer, at, wanted.to()) : copyWhole(answer, at);
        if (at >= wanted.to()) {
          return answer.isPart() || !ranged;
        }
        problem = new IOException("the connection ended early");
      } catch (Changed e) {
        throw e;
      } catch (Stopped e) {
        at = e.at;
        problem = e.problem;
      } catch (IOException e) {
        problem = e;
      }
      if (failure.get() != null) {
        throw problem;
      }
      failures = at > before ? 1 : failures + 1;
      if (failures >= retry.attempts()) {
        throw new InvalidInputException("the download of " + file.path() + " does not get any further: "
            + Pull.reason(problem) + "; what is there is kept, run the command again to go on", problem);
      }
      retry.pause(failures, problem);
    }
  }

  private HashMap<String, String> headers(long from, long to, boolean ranged) {
    var headers = new HashMap<String, String>();
    if (ranged) {
      headers.put("Range", "bytes=" + from + "-" + (to - 1));
      String tag = part.tag();
      if (tag.startsWith("\"")) {
        headers.put("If-Range", tag);
      }
    }
    return headers;
  }

  private void remember(Transport.Answer answer) throws Changed {
    linked = linked != null ? linked : answer.linked();
    if (!part.accept(answer.header("ETag"))) {
      throw new Changed();
    }
  }

  /// What came before a connection broke.
  private static final class Stopped extends IOException {
    private static final long serialVersionUID = 1;
    private final long at;
    private final IOException problem;

    Stopped(long at, IOException problem) {
      super(problem);
      this.at = at;
      this.problem = problem;
    }
  }

  private long copyPart(Transport.Answer answer, long from, long to) throws IOException {
    Matcher range = CONTENT_RANGE.matcher(answer.header("Content-Range"));
    if (!range.matches() || Long.parseLong(range.group(1)) != from || Long.parseLong(range.group(2)) >= to
        || !range.group(3).equals("*") && Long.parseLong(range.group(3)) != file.size()) {
      throw new MalformedModelException("the server sends other bytes of " + file.path() + " than it was asked for ("
          + RemoteFile.printable(answer.header("Content-Range")) + " instead of " + from + "-" + (to - 1) + " of "
          + file.size() + "); try another address (--url)");
    }
    return copy(answer, from, from, Long.parseLong(range.group(2)) + 1);
  }

  private long copyWhole(Transport.Answer answer, long from) throws IOException {
    String length = answer.header("Content-Length");
    if (!length.isEmpty() && !length.equals(String.valueOf(file.size()))) {
      throw lies(length + " bytes");
    }
    return copy(answer, 0, from, file.size());
  }

  private MalformedModelException lies(String instead) {
    return new MalformedModelException("the server sends " + instead + " for " + file.path() + ", and the hub lists "
        + file.size() + "; try again later, or another address (--url)");
  }

  /// Writes the bytes of a stream that begins at `start`, those before `from` left out.
  private long copy(Transport.Answer answer, long start, long from, long to) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    long at = start;
    long written = from;
    try {
      for (int count = answer.body().read(buffer); count >= 0; count = answer.body().read(buffer)) {
        if (count > to - at) {
          throw lies("more than " + (at + count) + " bytes");
        }
        int skip = Math.clamp(written - at, 0, count);
        if (skip < count) {
          store(written, buffer, skip, count - skip);
          written += count - skip;
        }
        at += count;
        if (failure.get() != null || Thread.currentThread().isInterrupted()) {
          throw new IOException("another part of the download failed");
        }
      }
    } catch (IOException e) {
      throw new Stopped(written, e);
    }
    return written;
  }

  private void store(long at, byte[] bytes, int offset, int count) {
    try {
      part.write(at, bytes, offset, count);
    } catch (IOException e) {
      throw new InvalidInputException("cannot write " + file.path() + " into the folder: " + Pull.reason(e)
          + "; what is there is kept, make room and run the command again", e);
    }
    progress.accept(count);
  }
}
