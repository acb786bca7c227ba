package dev.deepstack.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What a file's bytes must add up to.
///
/// @param kind how it is computed
/// @param hex lower-case hexadecimal digits
record Checksum(Kind kind, String hex) {
  private static final int BUFFER_BYTES = 1 << 20;

  enum Kind {
    /// SHA-256 of the bytes: large files, and everything on some hubs.
    SHA_256("SHA-256", 64),
    /// SHA-1 of the bytes after a header with their count: how git names a small file.
    GIT_BLOB("git's SHA-1", 40);

    private final String title;
    private final int digits;

    Kind(String title, int digits) {
      this.title = title;
      this.digits = digits;
    }
  }

  /// The checksum these digits are, by their number; null when they are none.
  static @Nullable Checksum of(@Nullable String digits) {
    if (digits == null || !digits.matches("[0-9a-fA-F]+")) {
      return null;
    }
    for (Kind kind : Kind.values()) {
      if (kind.digits == digits.length()) {
        return new Checksum(kind, digits.toLowerCase(Locale.ROOT));
      }
    }
    return null;
  }

  /// What the file adds up to in the same way.
  Checksum of(FileChannel file) throws IOException {
    MessageDigest digest = digest(kind == Kind.SHA_256 ? "SHA-256" : "SHA-1");
    if (kind == Kind.GIT_BLOB) {
      digest.update(("blob " + file.size() + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    for (long at = 0; file.read(buffer.clear(), at) > 0; at += buffer.limit()) {
      digest.update(buffer.flip());
    }
    return new Checksum(kind, HexFormat.of().formatHex(digest.digest()));
  }

  private static MessageDigest digest(String name) {
    try {
      return MessageDigest.getInstance(name);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  String title() {
    return kind.title;
  }
}
