package dev.deepstack.codegen.llvm;

import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.program.code.PrivateFiles;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.zip.CRC32;

/// Finds libLLVM: the file `DEEPSTACK_LLVM` names, else the one inside the LLVM jar on the class
/// path, which is extracted once into the cache folder.
final class LlvmLibrary {
  private static final String RESOURCE = "org/bytedeco/llvm/linux-x86_64/libLLVM.so";

  private LlvmLibrary() {}

  static Path find() {
    var own = System.getenv("DEEPSTACK_LLVM");
    if (own != null && !own.isEmpty()) {
      return Path.of(own);
    }
    var resource = LlvmLibrary.class.getClassLoader().getResource(RESOURCE);
    if (resource == null) {
      throw new UnsupportedModelException(
          "Compiling needs LLVM, and "
              + RESOURCE
              + " is not on the class path: add the jar org.bytedeco:llvm for linux-x86_64, set"
              + " DEEPSTACK_LLVM to a libLLVM 20, or run a compiled .dsp file.");
    }
    try {
      return extracted(resource, ObjectCache.defaultFolder(System.getenv()).resolve("llvm"));
    } catch (IOException unusable) {
      return temporary(resource, unusable);
    }
  }

  /// Where the cache folder cannot be used, a private folder among the temporary files serves: unpacked there once
  /// until the system clears it.
  private static Path temporary(URL resource, IOException unusable) {
    Path folder = Path.of(System.getProperty("java.io.tmpdir"), "deepstack-" + System.getProperty("user.name"));
    try {
      return extracted(resource, folder);
    } catch (IOException e) {
      e.addSuppressed(unusable);
      throw new UnsupportedModelException("LLVM could not be unpacked, neither into the cache folder nor into "
          + folder + " (" + e.getMessage() + "); set DEEPSTACK_CACHE to a folder of your own with 200 MB of space", e);
    }
  }

  /// The extracted file is named by the checksum of its contents, which is verified each time: a
  /// half-written or damaged library would take the process down. The folder must be this user's
  /// alone.
  static Path extracted(URL resource, Path folder) throws IOException {
    PrivateFiles.createFolder(folder);
    PrivateFiles.require(folder);
    if (!(resource.openConnection() instanceof JarURLConnection connection)) {
      throw new IOException(resource + " is not in a jar");
    }
    connection.setUseCaches(false);
    try (var jar = connection.getJarFile()) {
      var entry = connection.getJarEntry();
      var library =
          folder.resolve("libLLVM-" + HexFormat.of().toHexDigits((int) entry.getCrc()) + ".so");
      if (!intact(library, entry.getSize(), entry.getCrc())) {
        var unfinished = Files.createTempFile(folder, "libLLVM", ".tmp");
        try (var in = jar.getInputStream(entry)) {
          Files.copy(in, unfinished, StandardCopyOption.REPLACE_EXISTING);
          Files.move(unfinished, library, StandardCopyOption.ATOMIC_MOVE);
        } finally {
          Files.deleteIfExists(unfinished);
        }
      }
      return library;
    }
  }

  private static boolean intact(Path library, long size, long crc) throws IOException {
    if (!Files.isRegularFile(library) || Files.size(library) != size) {
      return false;
    }
    PrivateFiles.require(library);
    try (var channel = FileChannel.open(library)) {
      var checksum = new CRC32();
      checksum.update(channel.map(FileChannel.MapMode.READ_ONLY, 0, size));
      return checksum.getValue() == crc;
    }
  }
}
