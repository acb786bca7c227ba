package dev.deepstack.compiler;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.ir.Graph;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Program;
import dev.deepstack.program.ProgramFile;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Whole compiled models kept between runs, so that a second start neither reads the exported program nor generates
/// code. The entry is what a `.dsp` says about the model, its tensors left in the model file; it is found by the
/// content of that file, by this compiler's own code and by the CPU.
final class ModelCache {
  /// Up to this size a file is hashed whole. Of a larger one the beginning and the end count, where an archive keeps
  /// the checksums of everything in it.
  private static final long WHOLE_BYTES_MAX = 256L << 20;
  private static final long END_BYTES = 4L << 20;
  private static final int CHUNK_BYTES = 1 << 20;

  private final ObjectCache cache;
  private final MemorySegment file;
  private final CpuTarget cpu;
  private ObjectCache.@Nullable Key key;

  ModelCache(ObjectCache cache, MemorySegment file, CpuTarget cpu) {
    this.cache = cache;
    this.file = file;
    this.cpu = cpu;
  }

  @Nullable CompiledModel find(CompiledModel.Backing backing) {
    byte[] block = cache.find(key());
    try {
      return block == null ? null : ProgramFile.resolve(block, file, backing);
    } catch (MalformedModelException _) {
      return null;
    }
  }

  void store(CompiledModel model) {
    byte[] block = ProgramFile.describe(model, file);
    if (block != null) {
      cache.store(key(), block);
    }
  }

  private ObjectCache.Key key() {
    ObjectCache.Key known = key;
    if (known == null) {
      known = ObjectCache.Key.of(content(), LlvmCompiler.VERSION + " " + compiler(), cpu.name(), cpu.features());
      key = known;
    }
    return known;
  }

  private String content() {
    MessageDigest digest = sha256();
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(file.byteSize()).flip());
    if (file.byteSize() <= WHOLE_BYTES_MAX) {
      update(digest, file);
    } else {
      update(digest, file.asSlice(0, END_BYTES));
      update(digest, file.asSlice(file.byteSize() - END_BYTES));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void update(MessageDigest digest, MemorySegment bytes) {
    for (long at = 0; at < bytes.byteSize(); at += CHUNK_BYTES) {
      digest.update(bytes.asSlice(at, Math.min(CHUNK_BYTES, bytes.byteSize() - at)).asByteBuffer());
    }
  }

  /// Sizes and times of the jars or class folders that make up the compile side.
  static String compiler() {
    MessageDigest digest = sha256();
    for (Class<?> room : List.of(ModelCache.class, LlvmCompiler.class, Pt2Importer.class, Pipeline.class, Graph.class,
        Program.class)) {
      try {
        Path place = Path.of(room.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (var files = Files.walk(place)) {
          for (Path f : files.filter(Files::isRegularFile).sorted().toList()) {
            String stamp = f + " " + Files.size(f) + " " + Files.getLastModifiedTime(f).toMillis();
            digest.update(stamp.getBytes(java.nio.charset.StandardCharsets.UTF_8));
          }
        }
      } catch (IOException | java.net.URISyntaxException e) {
        throw new IllegalStateException("the compiler cannot find its own code", e);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
