package dev.deepstack.hub;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Brings a model's files from a hub into a folder. A file appears under its name whole and checked, or not at all;
/// what a broken-off pull left is used by the next one.
public final class Pull {
  private static final long CHUNK_BYTES = 32L << 20;
  private static final long SPACE_MARGIN_BYTES = 64L << 20;

  private final Hub hub;
  private final Retry retry;
  private final int connections;
  private final long chunkBytes;

  /// @param connections how many ranges of a file to ask for at once
  public Pull(Hub hub, Retry retry, int connections) {
    this(hub, retry, connections, CHUNK_BYTES);
  }

  Pull(Hub hub, Retry retry, int connections, long chunkBytes) {
    if (connections < 1 || connections > 64) {
      throw new InvalidInputException("connections must be between 1 and 64, not " + connections);
    }
    this.hub = hub;
    this.retry = retry;
    this.connections = connections;
    this.chunkBytes = chunkBytes;
  }

  /// A file that is in place.
  ///
  /// @param checked by what it was checked; null when the hub names no checksum
  /// @param fetched false when it was there before
  public record Placed(String path, long bytes, @Nullable String checked, boolean fetched) {}

  /// @param files names or patterns; none takes what is needed to run the model
  /// @throws InvalidInputException when the hub does not give it or the folder does not take it
  /// @throws MalformedModelException when the hub's answers make no sense or bytes are wrong
  public List<Placed> run(Repository repository, List<String> files, Path folder, Progress progress)
      throws InterruptedException {
    try (var transport = new Transport(hub, retry.silence())) {
      List<RemoteFile> listed = new Listing(hub, transport, retry).read(repository);
      List<RemoteFile> wanted = files.isEmpty() ? Selection.standard(listed, repository)
          : Selection.named(listed, files, repository);
      checkNames(wanted);
      prepare(folder, wanted);
      var placed = new ArrayList<Placed>();
      var missing = new ArrayList<RemoteFile>();
      for (RemoteFile file : wanted) {
        if (isThere(folder.resolve(file.path()), file)) {
          placed.add(new Placed(file.path(), file.size(), title(file.checksum()), false));
        } else {
          missing.add(file);
        }
      }
      long bytes = missing.stream().mapToLong(RemoteFile::size).reduce(0, Pull::add);
      long present = missing.stream().mapToLong(f -> PartFile.left(folder.resolve(f.path()), f)).sum();
      checkSpace(folder, bytes - present);
      progress.begin(missing.size(), bytes, present);
      for (RemoteFile file : missing) {
        placed.add(fetch(transport, repository, file, folder, progress));
      }
      return placed;
    } catch (IOException e) {
      throw new InvalidInputException("cannot write into " + folder + ": " + reason(e), e);
    }
  }

  private static long add(long a, long b) {
    return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
  }

  /// A file must not be in the way of another's path or of what is written beside it.
  private static void checkNames(List<RemoteFile> wanted) {
    Set<String> taken = wanted.stream().map(RemoteFile::path).collect(Collectors.toCollection(HashSet::new));
    for (RemoteFile file : wanted) {
      for (int slash = file.path().indexOf('/'); slash >= 0; slash = file.path().indexOf('/', slash + 1)) {
        if (taken.contains(file.path().substring(0, slash))) {
          throw new MalformedModelException("the hub lists " + file.path().substring(0, slash)
              + " both as a file and as a folder");
        }
      }
      if (taken.contains(file.path() + ".part") || taken.contains(file.path() + ".part.json")) {
        throw new InvalidInputException(file.path() + " and " + file.path() + ".part cannot be pulled together; name "
            + "one with --file");
      }
    }
  }

  /// Makes the folders, and sees that no link in them leads elsewhere.
  private static void prepare(Path folder, List<RemoteFile> wanted) throws IOException {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new InvalidInputException(folder + " is not a folder; name another with --output");
    }
    Files.createDirectories(folder);
    Path root = folder.toRealPath();
    for (RemoteFile file : wanted) {
      Path target = folder.resolve(file.path());
      Path at = folder;
      for (Path name : Path.of(file.path())) {
        at = at.resolve(name);
        if (!at.equals(target) && Files.exists(at) && !at.toRealPath().startsWith(root)) {
          throw new InvalidInputException(at + " leads out of the folder " + folder + "; remove that link first");
        }
      }
      if (Files.isDirectory(target)) {
        throw new InvalidInputException(target + " is a folder, and the model has a file of that name; move it away");
      }
      Files.createDirectories(target.toAbsolutePath().getParent());
    }
  }

  private static boolean isThere(Path target, RemoteFile file) throws IOException {
    Checksum expected = file.checksum();
    if (expected == null || !Files.isRegularFile(target) || Files.size(target) != file.size()) {
      return false;
    }
    try (var channel = FileChannel.open(target)) {
      return expected.of(channel).equals(expected);
    }
  }

  private static void checkSpace(Path folder, long bytes) throws IOException {
    long free = Files.getFileStore(folder).getUsableSpace();
    if (bytes > 0 && add(bytes, SPACE_MARGIN_BYTES) > free) {
      throw new InvalidInputException(String.format(Locale.ROOT, "the files need %.1f GB and %s has room for %.1f GB; "
          + "make room, choose files with --file, or name another folder with --output", bytes / 1e9, folder,
          free / 1e9));
    }
  }

  private Placed fetch(Transport transport, Repository repository, RemoteFile file, Path folder, Progress progress)
      throws IOException, InterruptedException {
    Path target = folder.resolve(file.path());
    try (PartFile part = PartFile.open(target, file)) {
      long resumed = part.bytesDone();
      var download = new Download(transport, hub.file(repository, file.path()), file, part, retry,
          count -> progress.bytes(file.path(), count));
      download.run(connections, chunkBytes);
      progress.checking(file.path());
      Checksum expected = file.checksum() != null ? file.checksum() : download.named();
      Checksum actual = expected == null ? null : part.sum(expected);
      if (resumed > 0 && expected != null && !expected.equals(actual)) {
        // What was there before may be to blame.
        progress.bytes(file.path(), -file.size());
        part.clear();
        download.run(connections, chunkBytes);
        actual = part.sum(expected);
      }
      if (expected != null && !expected.equals(actual)) {
        part.discard();
        throw new MalformedModelException("what came for " + file.path() + " is not what the hub lists: its "
            + expected.title() + " is " + (actual == null ? "" : actual.hex()) + " and should be " + expected.hex()
            + "; it was thrown away, run the command again or try another address (--url)");
      }
      part.place();
      progress.placed(file.path(), file.size());
      return new Placed(file.path(), file.size(), title(expected), true);
    }
  }

  private static @Nullable String title(@Nullable Checksum checksum) {
    return checksum == null ? null : checksum.title();
  }

  /// Why something failed, in a few words.
  static String reason(IOException e) {
    return switch (e) {
      case Transport.Busy busy -> String.valueOf(busy.getMessage());
      case HttpTimeoutException _ -> "the server does not answer in time";
      case ConnectException _ -> "the server cannot be reached";
      case AccessDeniedException _ -> "access denied";
      case FileSystemException f -> f.getReason() == null ? String.valueOf(f.getMessage()) : f.getReason();
      default -> {
        String message = String.valueOf(e.getMessage());
        yield message.contains("fixed content-length") || message.contains("EOF reached")
            || message.contains("received no bytes") || message.contains("reset") || message.equals("closed")
            ? "the connection ended early"
            : e instanceof javax.net.ssl.SSLException ? "no protected connection (" + message + ")" : message;
      }
    };
  }
}
