package dev.deepstack.conformance.fuzz;

import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.importer.gguf.GgufDecoder;
import dev.deepstack.importer.gguf.GgufFile;
import dev.deepstack.importer.pt2.Pt2Archive;
import dev.deepstack.importer.pt2.ZipArchive;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Verifier;
import dev.deepstack.tensor.Safetensors;
import dev.deepstack.text.Tokenizer;
import dev.deepstack.text.template.Template;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/// A reader, and how arbitrary bytes come to it.
enum Target {
  /// A zip file: its directory, then every entry.
  ZIP {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      var zip = ZipArchive.open(bytes, NAME, arena);
      zip.names().forEach(zip::read);
    }
  },

  /// A whole `.pt2` file of any layout.
  ARCHIVE {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      Pt2Importer.read(bytes, NAME, arena);
    }
  },

  /// The JSON of an exported program, in a sound archive: read and lowered to a graph.
  PROGRAM {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      Pt2Importer.read(StoredZip.program(bytes, arena), NAME, arena);
    }
  },

  /// The list of stored tensors, in a sound archive with the program that it was written for.
  PAYLOADS {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      Pt2Archive.open(StoredZip.payloads(bytes, arena), NAME, null, arena);
    }
  },

  /// The pickle of `torch.save`, in a sound archive that holds the storages it was written for.
  PICKLE {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      Pt2Archive.open(StoredZip.pickled(bytes, arena), NAME, null, arena);
    }
  },

  SAFETENSORS {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      Safetensors.read(Path.of(NAME), bytes).values().forEach(t -> {
        if (t.elements() > 0) {
          t.getDouble(t.elements() - 1);
        }
      });
    }
  },

  /// A GGUF file, then the decoder in it.
  GGUF {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      GgufDecoder.read(GgufFile.of(NAME, bytes));
    }
  },

  /// IR text: what parses and is sound must print as it is, again and again.
  IR {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      Graph graph = GraphText.parse(text(bytes));
      Verifier.verify(graph);
      String printed = graph.toString();
      String again = GraphText.parse(printed).toString();
      if (!again.equals(printed)) {
        throw new AssertionError("the text form changes when it is read:\n" + printed + "\n" + again);
      }
    }
  },

  /// A tokenizer.json; what loads must encode and decode.
  TOKENIZER {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      var tokenizer = Tokenizer.parse(NAME, bytes.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
      for (String sample : SAMPLES) {
        tokenizer.decode(tokenizer.encode(sample));
      }
    }
  },

  /// A chat template; what parses must render, or say why not.
  TEMPLATE {
    @Override
    void read(MemorySegment bytes, Arena arena) {
      Template.parse(NAME, text(bytes)).render(Map.of("messages",
          java.util.List.of(Map.of("role", "user", "content", "Hi"), Map.of("role", "assistant", "content", "Yes?")),
          "add_generation_prompt", true, "bos_token", "<s>"));
    }
  };

  private static final String NAME = "fuzzed";
  private static final java.util.List<String> SAMPLES =
      java.util.List.of("", "The 2nd  café,\nнет; 日本 \ud83d\ude00!", "<s> a", "\ud800x\0", "aaaaaaaaaaaaaaaa");

  /// Reads the bytes.
  abstract void read(MemorySegment bytes, Arena arena);

  /// Lower-case, as in names of folders.
  String folder() {
    return name().toLowerCase(Locale.ROOT);
  }

  private static String text(MemorySegment bytes) {
    return new String(bytes.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }
}
