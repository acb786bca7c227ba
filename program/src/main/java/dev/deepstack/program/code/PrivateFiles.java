package dev.deepstack.program.code;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Files whose contents run with this user's rights, and which therefore nobody else may have
/// written.
public final class PrivateFiles {
  private PrivateFiles() {}

  /// Makes a folder (and those above it) that only this user can enter, if it does not exist.
  public static void createFolder(Path folder) throws IOException {
    var mine = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(folder, mine);
    }
  }

  /// Why a file or folder must not be trusted, or null if it may be.
  public static @Nullable String objection(Path path) throws IOException {
    try {
      if (Files.isSymbolicLink(path)) {
        return "it is a symbolic link";
      }
      var attributes =
          Files.readAttributes(path, "unix:uid,permissions", LinkOption.NOFOLLOW_LINKS);
      // A process owns its entry in /proc: the user it really runs as, whatever the environment
      // claims.
      var self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      if (!self.equals(attributes.get("uid"))) {
        return "it belongs to another user";
      }
      boolean shared =
          attributes.get("permissions") instanceof Set<?> permissions
              && (permissions.contains(PosixFilePermission.GROUP_WRITE)
                  || permissions.contains(PosixFilePermission.OTHERS_WRITE));
      return shared ? "other users may write to it" : null;
    } catch (NoSuchFileException _) {
      return "it does not exist";
    }
  }

  /// @throws IOException if there is an objection to `path`
  public static void require(Path path) throws IOException {
    var objection = objection(path);
    if (objection != null) {
      throw new IOException(path + " is not used because " + objection);
    }
  }
}
