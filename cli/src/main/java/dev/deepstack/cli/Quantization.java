package dev.deepstack.cli;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.importer.gguf.GgufContent;
import dev.deepstack.importer.gguf.GgufDecoder;
import dev.deepstack.importer.gguf.GgufExport;
import dev.deepstack.importer.gguf.GgufFile;
import dev.deepstack.importer.gguf.GgufQuantizer;
import dev.deepstack.importer.gguf.GgufTarget;
import dev.deepstack.importer.gguf.GgufTokenizer;
import dev.deepstack.importer.hf.HfImporter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// A model stored anew. Apart from its command, so that the commands load where no importer is.
///
/// @param bytesByType bytes of tensors by the name of their type
record Quantization(String format, int tensors, SequencedMap<String, Long> bytesByType) {
  /// @param in a checkpoint folder or a GGUF file
  /// @param format a name of [GgufTarget]
  /// @param pre the name of the tokenizer's split rules, if they are given
  static Quantization run(Path in, Path out, String format, @Nullable String pre, ProgressLine line)
      throws IOException {
    GgufTarget target = GgufTarget.valueOf(format);
    try (var arena = Arena.ofShared()) {
      GgufContent content = content(in, pre, arena);
      var quantizer = new GgufQuantizer(content, target);
      line.begin(quantizer.bytes(), 0);
      quantizer.write(out, line::add);
      line.show("");
      var types = new LinkedHashMap<String, Long>();
      quantizer.bytesByType().forEach((type, size) -> types.put(type.name().toLowerCase(Locale.ROOT), size));
      return new Quantization(target.text(), content.tensors().size(), types);
    }
  }

  private static GgufContent content(Path in, @Nullable String pre, Arena arena) {
    if (Files.isDirectory(in)) {
      ImportedDecoder decoder = HfImporter.read(in, arena);
      Path name = in.toAbsolutePath().normalize().getFileName();
      var tokenizer = GgufTokenizer.of(in, decoder.spec().vocab(), pre);
      return GgufExport.of(decoder, name == null ? "model" : name.toString(), tokenizer);
    }
    GgufFile file = GgufFile.open(in, arena);
    // Whatever is stored anew should be something that can be run.
    GgufDecoder.read(file);
    return GgufContent.of(file);
  }
}
