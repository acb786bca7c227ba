package dev.deepstack.hub;

import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/// A file on its way: `NAME.part` with the bytes that are there, and `NAME.part.json` saying which these are and of
/// which version of the file.
final class PartFile implements AutoCloseable {
  private static final long JOURNAL_EVERY_BYTES = 32L << 20;

  /// Bytes from `from` up to, not including, `to`.
  record Range(long from, long to) {
    long length() {
      return to - from;
    }
  }

  /// @param tag the server's name of this version, or empty
  private record Journal(long size, String checksum, String tag, List<Range> done) {}

  private final Path target;
  private final Path part;
  private final Path journal;
  private final RemoteFile file;
  private final FileChannel channel;
  private final TreeMap<Long, Long> done = new TreeMap<>();
  private String tag = "";
  private long unsaved;

  private PartFile(Path target, Path part, RemoteFile file, FileChannel channel) {
    this.target = target;
    this.part = part;
    this.file = file;
    this.channel = channel;
    journal = beside(target, ".part.json");
  }

  private static Path beside(Path target, String ending) {
    return target.resolveSibling(target.getFileName() + ending);
  }

  /// Opens what an earlier attempt left, when it is of the same file, or begins anew.
  ///
  /// @throws InvalidInputException when another process is writing it
  static PartFile open(Path target, RemoteFile file) throws IOException {
    Path path = beside(target, ".part");
    FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ,
        StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() == null) {
        throw new OverlappingFileLockException();
      }
      var part = new PartFile(target, path, file, channel);
      part.restore();
      return part;
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw new InvalidInputException("another download is writing " + path + "; wait for it, or end it first", e);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /// How many of the file's bytes an earlier attempt left.
  static long left(Path target, RemoteFile file) {
    Journal known = journal(beside(target, ".part.json"), file);
    return known == null ? 0 : known.done.stream().mapToLong(Range::length).sum();
  }

  private void restore() throws IOException {
    Journal known = journal(journal, file);
    long size = channel.size();
    if (known == null || known.done.stream().anyMatch(r -> r.to > size)) {
      clear();
      return;
    }
    tag = known.tag;
    known.done.forEach(r -> done.put(r.from, r.to));
  }

  private static @Nullable Journal journal(Path path, RemoteFile file) {
    try {
      Journal read = JsonMapper.shared().readValue(Files.readAllBytes(path), Journal.class);
      long end = 0;
      for (Range r : read.done) {
        if (r.from < end || r.to <= r.from || r.to > file.size()) {
          return null;
        }
        end = r.to;
      }
      boolean same = read.size == file.size() && read.checksum.equals(identity(file));
      return same && (!read.checksum.isEmpty() || !read.tag.isEmpty()) ? read : null;
    } catch (IOException | JacksonException | NullPointerException _) {
      return null;
    }
  }

  private static String identity(RemoteFile file) {
    Checksum checksum = file.checksum();
    return checksum == null ? "" : checksum.hex();
  }

  /// Forgets everything.
  synchronized void clear() throws IOException {
    done.clear();
    tag = "";
    Files.deleteIfExists(journal);
    channel.truncate(0);
  }

  /// What is missing, in pieces of at most `most` bytes.
  synchronized List<Range> missing(long most) {
    var missing = new ArrayList<Range>();
    long at = 0;
    for (Map.Entry<Long, Long> there : done.entrySet()) {
      cut(at, there.getKey(), most, missing);
      at = there.getValue();
    }
    cut(at, file.size(), most, missing);
    return missing;
  }

  private static void cut(long from, long to, long most, List<Range> into) {
    for (long at = from; at < to; at = Math.min(at + most, to)) {
      into.add(new Range(at, Math.min(at + most, to)));
    }
  }

  synchronized long bytesDone() {
    return done.entrySet().stream().mapToLong(e -> e.getValue() - e.getKey()).sum();
  }

  synchronized String tag() {
    return tag;
  }

  /// @return false when the bytes there are of another version
  synchronized boolean accept(String versionTag) {
    if (tag.isEmpty()) {
      tag = versionTag;
    }
    return versionTag.isEmpty() || tag.equals(versionTag);
  }

  /// Writes `count` of these bytes, those from `offset`.
  void write(long at, byte[] bytes, int offset, int count) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, count);
    for (long to = at; buffer.hasRemaining(); ) {
      to += channel.write(buffer, to);
    }
    wrote(at, at + count);
  }

  private synchronized void wrote(long from, long to) throws IOException {
    long start = from;
    long end = to;
    Map.Entry<Long, Long> before = done.floorEntry(from);
    if (before != null && before.getValue() >= from) {
      start = before.getKey();
      end = Math.max(end, before.getValue());
    }
    for (var next = done.higherEntry(start); next != null && next.getKey() <= end; next = done.higherEntry(start)) {
      end = Math.max(end, next.getValue());
      done.remove(next.getKey());
    }
    done.put(start, end);
    unsaved += to - from;
    if (unsaved >= JOURNAL_EVERY_BYTES) {
      save();
    }
  }

  private void save() throws IOException {
    unsaved = 0;
    List<Range> ranges = done.entrySet().stream().map(e -> new Range(e.getKey(), e.getValue())).toList();
    Path fresh = beside(target, ".part.json.new");
    Files.write(fresh, JsonMapper.shared().writeValueAsBytes(new Journal(file.size(), identity(file), tag, ranges)));
    Files.move(fresh, journal, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  Checksum sum(Checksum expected) throws IOException {
    return expected.of(channel);
  }

  /// Puts the whole file in place, at once.
  synchronized void place() throws IOException {
    channel.truncate(file.size());
    channel.force(true);
    Files.move(part, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    Files.deleteIfExists(journal);
    done.clear();
  }

  /// Throws the bytes away.
  synchronized void discard() throws IOException {
    done.clear();
    Files.deleteIfExists(journal);
    Files.deleteIfExists(part);
  }

  /// Keeps what is there for the next attempt.
  @Override
  public synchronized void close() throws IOException {
    try (channel) {
      if (!done.isEmpty()) {
        save();
      } else if (Files.exists(part) && channel.size() == 0) {
        Files.deleteIfExists(part);
      }
    }
  }
}
