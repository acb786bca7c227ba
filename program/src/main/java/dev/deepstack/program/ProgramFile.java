package dev.deepstack.program;

import dev.deepstack.program.BlockWriter.Extent;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The file form of a compiled model, `.dsp`: needs no compiler to run.
///
/// ```
/// 0   "DEEPSTK" and the format version, 8 bytes
/// 8   length of the block, i64
/// 16  SHA-256 of the block
/// 48  zeros
/// 64  the block: programs with their machine code, tokenizer, names and types of tensors
/// …   tensors, each on the next 64-byte boundary, mapped when the file is loaded
/// ```
///
/// The block is checked by its hash, then for sense. Tensors are checked for their extents only, since hashing them
/// would mean reading them: a changed byte of a weight changes results and is not noticed. The machine code in a file
/// is run as it is, so load only files you trust.
public final class ProgramFile {
  private static final byte[] MAGIC = {'D', 'E', 'E', 'P', 'S', 'T', 'K', 3};
  private static final int BLOCK_AT = 64;
  private static final long ALIGNMENT = 64;

  private ProgramFile() {}

  /// Writes a model; the file appears whole or not at all.
  ///
  /// @throws InvalidInputException when it can't be written
  public static void write(Path file, CompiledModel model) {
    var weights = BlockWriter.weights(model);
    var offsets = new LinkedHashMap<Extent, Long>();
    var storages = new ArrayList<MemorySegment>();
    // The block's own length shifts the tensors, so offsets are counted from the first one.
    long end = 0;
    for (StridedTensor t : tensors(weights, model)) {
      if (offsets.putIfAbsent(Extent.of(t), end) == null) {
        storages.add(t.storage());
        end = aligned(end + t.storage().byteSize());
      }
    }
    byte[] block = BlockWriter.write(model, weights, offsets);
    try {
      write(file, block, storages);
    } catch (IOException e) {
      throw new InvalidInputException("cannot write " + file + ": " + reason(e)
          + "; check the folder, its permissions and free space", e);
    }
  }

  /// The programs of a model whose weights are found by name, to be kept by who trusts what it reads back.
  public static byte[] describe(List<Program> programs) {
    return BlockWriter.write(programs);
  }

  /// What [#describe(List)] described.
  ///
  /// @throws MalformedModelException when the bytes are broken
  public static List<Program> programs(byte[] block) {
    return BlockReader.programs(block);
  }

  private static List<StridedTensor> tensors(SequencedMap<String, StridedTensor> weights, CompiledModel model) {
    return Stream.concat(weights.values().stream(), model.states().values().stream()).toList();
  }

  /// The block of a model whose tensors all lie in one mapped file, to be kept apart from that file, or null when some
  /// lie elsewhere.
  public static byte @Nullable [] describe(CompiledModel model, MemorySegment file) {
    var weights = BlockWriter.weights(model);
    var offsets = new LinkedHashMap<Extent, Long>();
    for (StridedTensor t : tensors(weights, model)) {
      long offset = t.storage().address() - file.address();
      if (!t.storage().isNative() || offset < 0 || offset + t.storage().byteSize() > file.byteSize()) {
        return null;
      }
      offsets.put(Extent.of(t), offset);
    }
    return BlockWriter.write(model, weights, offsets);
  }

  /// The model of a block made by [#describe] for this very file.
  ///
  /// @throws MalformedModelException when the block is broken
  public static CompiledModel resolve(byte[] block, MemorySegment file, CompiledModel.Backing backing) {
    return BlockReader.read(block, file, 0, backing);
  }

  private static void write(Path file, byte[] block, List<MemorySegment> storages) throws IOException {
    Path target = file.toAbsolutePath();
    // Not one of the system's temporary files: those are for their owner only, and a model is for whom its folder is.
    Path temporary = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".part");
    try {
      try (var out = FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
        // The unused end of the head stays zero.
        ByteBuffer head = ByteBuffer.allocate(BLOCK_AT).put(MAGIC).putLong(block.length).put(hash(block));
        writeAt(out, 0, head.rewind());
        writeAt(out, BLOCK_AT, ByteBuffer.wrap(block));
        long at = aligned(BLOCK_AT + block.length);
        for (MemorySegment storage : storages) {
          writeAt(out, at, storage);
          at = aligned(at + storage.byteSize());
        }
        out.force(true);
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void writeAt(FileChannel out, long position, MemorySegment bytes) throws IOException {
    for (long at = 0; at < bytes.byteSize(); ) {
      long size = Math.min(bytes.byteSize() - at, 1 << 26);
      writeAt(out, position + at, ByteBuffer.wrap(bytes.asSlice(at, size).toArray(ValueLayout.JAVA_BYTE)));
      at += size;
    }
  }

  private static void writeAt(FileChannel out, long position, ByteBuffer bytes) throws IOException {
    long at = position;
    while (bytes.hasRemaining()) {
      at += out.write(bytes, at);
    }
  }

  private static long aligned(long offset) {
    return (offset + ALIGNMENT - 1) & -ALIGNMENT;
  }

  /// A file mapped for as long as its model is in use.
  private static final class Mapping implements CompiledModel.Backing {
    private final Arena arena = Arena.ofShared();

    MemorySegment map(Path file) throws IOException {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new IOException("not a file");
      }
      try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
        return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      }
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  /// Maps a `.dsp` file.
  ///
  /// @throws MalformedModelException when it is broken
  /// @throws InvalidInputException when it can't be read
  public static CompiledModel read(Path file) {
    var mapping = new Mapping();
    try {
      return parse(mapping.map(file), mapping);
    } catch (MalformedModelException e) {
      mapping.close();
      throw new MalformedModelException(file + " is not a usable .dsp file: " + e.getMessage()
          + "; make it again with deepstack compile", e);
    } catch (IOException e) {
      mapping.close();
      throw new InvalidInputException("cannot read " + file + ": " + reason(e) + "; check the path and permissions", e);
    } catch (RuntimeException | Error e) {
      mapping.close();
      throw e;
    }
  }

  private static CompiledModel parse(MemorySegment bytes, CompiledModel.Backing backing) {
    if (bytes.byteSize() < BLOCK_AT) {
      throw new MalformedModelException("it is only " + bytes.byteSize() + " bytes long");
    }
    byte[] head = bytes.asSlice(0, BLOCK_AT).toArray(ValueLayout.JAVA_BYTE);
    if (!Arrays.equals(head, 0, 7, MAGIC, 0, 7)) {
      throw new MalformedModelException("it does not begin like one");
    }
    if (head[7] != MAGIC[7]) {
      throw new MalformedModelException("it has format version " + head[7] + ", and this DeepStack reads " + MAGIC[7]);
    }
    long length = ByteBuffer.wrap(head).getLong(8);
    if (length < 0 || length > bytes.byteSize() - BLOCK_AT || length > Integer.MAX_VALUE - 64) {
      throw new MalformedModelException("it is truncated or its length is wrong");
    }
    byte[] block = bytes.asSlice(BLOCK_AT, length).toArray(ValueLayout.JAVA_BYTE);
    boolean zeros = Arrays.equals(head, 48, BLOCK_AT, new byte[BLOCK_AT - 48], 0, BLOCK_AT - 48);
    if (!zeros || !Arrays.equals(hash(block), 0, 32, head, 16, 48)) {
      throw new MalformedModelException("its checksum does not match its content");
    }
    long start = Math.min(aligned(BLOCK_AT + length), bytes.byteSize());
    return BlockReader.read(block, bytes.asSlice(start), ALIGNMENT, backing);
  }

  static byte[] hash(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case java.nio.file.NoSuchFileException _ -> "no such file or folder";
      case java.nio.file.AccessDeniedException _ -> "access denied";
      default -> String.valueOf(e.getMessage());
    };
  }
}
