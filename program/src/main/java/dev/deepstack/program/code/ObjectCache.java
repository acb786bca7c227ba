package dev.deepstack.program.code;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Compiled objects on disk, by the hash of everything they were made from. A file is loaded only
/// if its folder and it belong to this user alone and its contents prove whole; anything else is
/// compiled again. A cache that cannot be used says so once and lets the program go on without.
public final class ObjectCache {
  private static final byte[] MAGIC = "DSOBJ\0\0\1".getBytes(StandardCharsets.ISO_8859_1);
  private static final int HASH_BYTES = 32;
  private static final int MAX_OBJECT_BYTES = 1 << 30;

  /// What an object was made from.
  ///
  /// @param hash SHA-256 over all inputs, in hexadecimal
  /// @param cpu the CPU it was made for: LLVM's name and feature string
  public record Key(String hash, String cpu) {

    /// @param ir the text of the module
    /// @param compiler name and version of the compiler and of the generator that wrote `ir`
    /// @param cpuName the compiler's name for the CPU
    /// @param cpuFeatures the compiler's feature string
    public static Key of(String ir, String compiler, String cpuName, String cpuFeatures) {
      var digest = sha256();
      for (String part : new String[] {ir, compiler, cpuName, cpuFeatures}) {
        var bytes = part.getBytes(StandardCharsets.UTF_8);
        digest.update(ByteBuffer.allocate(Long.BYTES).putLong(bytes.length).flip());
        digest.update(bytes);
      }
      return new Key(HexFormat.of().formatHex(digest.digest()), cpuName + " " + cpuFeatures);
    }
  }

  private final @Nullable Path folder;
  private final Consumer<String> warnings;
  private volatile boolean refused;

  private ObjectCache(@Nullable Path folder, Consumer<String> warnings) {
    this.folder = folder;
    this.warnings = warnings;
  }

  /// The cache in [#defaultFolder].
  ///
  /// @param warnings receives one sentence if the cache cannot be used
  public static ObjectCache open(Consumer<String> warnings) {
    return in(defaultFolder(System.getenv()).resolve("objects"), warnings);
  }

  /// A cache in `folder`, which is made if missing. Unusable folders give a cache that stores
  /// nothing.
  public static ObjectCache in(Path folder, Consumer<String> warnings) {
    try {
      PrivateFiles.createFolder(folder);
      var objection = PrivateFiles.objection(folder);
      if (objection == null && !Files.isWritable(folder)) {
        objection = "it cannot be written";
      }
      if (objection == null) {
        return new ObjectCache(folder, warnings);
      }
      warnings.accept(notUsed(folder, objection));
    } catch (IOException | UnsupportedOperationException e) {
      warnings.accept(notUsed(folder, "it cannot be made (" + e + ")"));
    }
    return none();
  }

  /// A cache that stores nothing.
  public static ObjectCache none() {
    return new ObjectCache(null, _ -> {});
  }

  /// Where DeepStack keeps what it can make again: `DEEPSTACK_CACHE`, else `deepstack` in
  /// `XDG_CACHE_HOME`, else `~/.cache/deepstack`.
  public static Path defaultFolder(Map<String, String> environment) {
    var own = environment.getOrDefault("DEEPSTACK_CACHE", "");
    if (!own.isEmpty()) {
      return Path.of(own).toAbsolutePath();
    }
    var xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
    var base =
        xdg.startsWith("/") ? Path.of(xdg) : Path.of(System.getProperty("user.home"), ".cache");
    return base.resolve("deepstack");
  }

  /// The object for `key`: from disk if a sound one is there, else from `compile`, and then kept.
  public byte[] get(Key key, Supplier<byte[]> compile) {
    var found = find(key);
    if (found != null) {
      return found;
    }
    var object = compile.get();
    store(key, object);
    return object;
  }

  /// The object for `key` if a sound one is on disk.
  public byte @Nullable [] find(Key key) {
    if (folder == null) {
      return null;
    }
    var file = file(folder, key);
    try {
      if (PrivateFiles.objection(file) != null || Files.size(file) > MAX_OBJECT_BYTES) {
        return null;
      }
      return unwrap(key, Files.readAllBytes(file));
    } catch (IOException _) {
      return null;
    }
  }

  /// Keeps `object` for `key`. Others see the whole file or none.
  public void store(Key key, byte[] object) {
    if (folder == null || refused) {
      return;
    }
    try {
      var unfinished = Files.createTempFile(folder, "new", ".tmp");
      try {
        Files.write(unfinished, wrap(key, object));
        Files.move(unfinished, file(folder, key), StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(unfinished);
      }
    } catch (IOException e) {
      // Once is enough: the next object of the same model would say the same.
      refused = true;
      warnings.accept(notUsed(folder, "it cannot be written (" + reason(e) + ")"));
    }
  }

  private static String reason(IOException e) {
    String why = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
    return why == null ? "permission denied" : why;
  }

  private static Path file(Path folder, Key key) {
    return folder.resolve(key.hash + ".dso");
  }

  /// magic, key, CPU, hash of the object, length of the object, object.
  private static byte[] wrap(Key key, byte[] object) {
    var cpu = key.cpu.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(
            MAGIC.length + 2 * HASH_BYTES + 2 * Integer.BYTES + cpu.length + object.length)
        .put(MAGIC)
        .put(HexFormat.of().parseHex(key.hash))
        .putInt(cpu.length)
        .put(cpu)
        .put(sha256().digest(object))
        .putInt(object.length)
        .put(object)
        .array();
  }

  private static byte @Nullable [] unwrap(Key key, byte[] file) {
    try {
      var in = ByteBuffer.wrap(file);
      boolean sound =
          Arrays.equals(take(in, MAGIC.length), MAGIC)
              && Arrays.equals(take(in, HASH_BYTES), HexFormat.of().parseHex(key.hash))
              && new String(take(in, in.getInt()), StandardCharsets.UTF_8).equals(key.cpu);
      if (!sound) {
        return null;
      }
      var hash = take(in, HASH_BYTES);
      var object = take(in, in.getInt());
      return !in.hasRemaining() && Arrays.equals(hash, sha256().digest(object)) ? object : null;
    } catch (BufferUnderflowException _) {
      return null;
    }
  }

  private static byte[] take(ByteBuffer in, int length) {
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    var bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  private static String notUsed(Path folder, String why) {
    return "Compiled code is not kept between runs: the cache folder "
        + folder
        + " is not used because "
        + why
        + ". Set DEEPSTACK_CACHE to a folder of your own.";
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
