package dev.deepstack.hub;

import dev.deepstack.tensor.MalformedModelException;
import org.jspecify.annotations.Nullable;

/// A file of a repository, as the hub lists it.
///
/// @param path below the repository, with slashes; safe to resolve below a folder
/// @param size in bytes
/// @param checksum what its bytes add up to; null when the hub does not say
record RemoteFile(String path, long size, @Nullable Checksum checksum) {
  /// @throws MalformedModelException for a path that could leave the folder it is put into
  RemoteFile {
    if (!isSafe(path)) {
      throw new MalformedModelException("the hub lists a file with the name \"" + printable(path)
          + "\", which does not stay inside a folder; nothing was downloaded");
    }
    if (size < 0) {
      throw new MalformedModelException("the hub says that " + path + " has " + size + " bytes");
    }
  }

  private static boolean isSafe(String path) {
    if (path.isEmpty() || path.chars().anyMatch(c -> c < ' ' || c == 127 || c == '\\' || c == ':')) {
      return false;
    }
    for (String name : path.split("/", -1)) {
      if (name.isEmpty() || name.equals(".") || name.equals("..")) {
        return false;
      }
    }
    return true;
  }

  static String printable(String text) {
    String plain = text.replaceAll("\\p{Cntrl}", "?");
    return plain.length() > 120 ? plain.substring(0, 120) + "…" : plain;
  }
}
