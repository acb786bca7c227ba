package dev.deepstack.hub;

/// Told how a pull goes, from several threads.
public interface Progress {
  /// Before the first byte.
  ///
  /// @param files how many there are to fetch
  /// @param bytes of all of them
  /// @param present of these, bytes that earlier attempts left
  void begin(int files, long bytes, long present);

  /// Bytes have come; a negative number takes bytes back.
  void bytes(String path, long count);

  /// A file is complete and being checked.
  void checking(String path);

  /// A file is in place.
  void placed(String path, long bytes);
}
