package dev.deepstack.compiler;

import dev.deepstack.api.ModelCompiler;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.program.Program;
import dev.deepstack.program.ProgramFile;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.MalformedModelException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The programs of decoders kept between runs. Found by the decoder's description, not by its weights: they are read by
/// name from whatever checkpoint has that description.
final class ProgramCache {
  private final ObjectCache cache;
  private final ObjectCache.Key key;

  ProgramCache(ObjectCache cache, ImportedDecoder decoder, CpuTarget cpu, ModelCompiler.Options options) {
    this.cache = cache;
    key = ObjectCache.Key.of(
        decoder.spec() + "\n" + decoder.forms() + "\n" + options.cacheType() + "\n" + options.exact(),
        LlvmCompiler.VERSION + " " + ModelCache.compiler(), cpu.name(), cpu.features());
  }

  @Nullable List<Program> find() {
    byte[] block = cache.find(key);
    try {
      return block == null ? null : ProgramFile.programs(block);
    } catch (MalformedModelException _) {
      return null;
    }
  }

  void store(List<Program> programs) {
    cache.store(key, ProgramFile.describe(programs));
  }
}
