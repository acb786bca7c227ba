package dev.deepstack.importer.pt2;

/// An entry of a checked central directory. `headerOffset` is that of the local header, `dataOffset` that of
/// the content; sizes are in bytes.
record ZipEntry(
    String name,
    boolean deflated,
    long crc,
    long compressedSize,
    long size,
    long headerOffset,
    long dataOffset) {}
