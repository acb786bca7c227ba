package dev.deepstack.conformance.fuzz;

import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.ir.OpSchema;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What fuzzing begins with: the smallest of the recorded files, and words of the format.
final class Seeds {
  private static final Path FIXTURES = Path.of("fixtures");
  private static final Path RESOURCES = Path.of("src/test/resources");
  private static final int BYTES_MAX = 48 << 10;
  private static final int COUNT_MAX = 40;
  private static final int WORDS_MAX = 800;
  private static final Pattern WORD = Pattern.compile("\"[A-Za-z_.]{2,40}\"");

  private Seeds() {}

  /// Inputs that are mostly sound, smallest first.
  static List<byte[]> of(Target target) throws IOException {
    return switch (target) {
      case ZIP, ARCHIVE -> contents(files(FIXTURES, p -> p.toString().endsWith(".pt2")));
      case PROGRAM -> programs();
      case PAYLOADS -> List.of(StoredZip.payloads());
      case PICKLE -> pickles();
      case SAFETENSORS -> contents(files(FIXTURES, p -> p.toString().endsWith(".safetensors")));
      case GGUF -> contents(files(FIXTURES.resolve("gguf"), p -> p.toString().endsWith(".gguf"), 4 * BYTES_MAX));
      case IR -> graphs();
      case TOKENIZER -> contents(files(Path.of("../text/src/test/resources/tokenizers"),
          p -> p.toString().endsWith(".json") && !p.toString().endsWith("vectors.json")));
      case TEMPLATE -> templates();
    };
  }

  /// Words that mutations may insert.
  static List<String> words(Target target) throws IOException {
    var words = new TreeSet<String>();
    if (target == Target.IR) {
      OpSchema.all().forEach(schema -> {
        words.add(schema.name() + " ");
        schema.components().forEach(c -> words.add(c.name() + "="));
      });
      words.addAll(List.of("f32[", "i64[]", "bool[]", "bf16[", " : ", "result \"", "check \"", "bind \"", "update \"",
          "body 0 for i0 in 3 (i0: 0..) {", "body 0 while i0 (i0: 0..) {", "graph (s: 0..9) {", "floordiv(s,2)",
          "max(", "min(", "mod(", "9223372036854775807", "-9223372036854775808"));
    } else if (target != Target.ZIP && target != Target.ARCHIVE && target != Target.PICKLE) {
      for (byte[] seed : of(target)) {
        WORD.matcher(new String(seed, StandardCharsets.ISO_8859_1)).results().forEach(m -> words.add(m.group()));
      }
      words.addAll(List.of("null", "true", "false", "-1", "9223372036854775807", "1e400", "[]", "{}"));
    }
    if (target == Target.TEMPLATE) {
      words.addAll(List.of("{% for x in messages %}", "{% endfor %}", "{% if ", "{% endif %}", "{% set x = ", "%}",
          "{{ ", " }}", "|tojson", "|length", "|join", "|selectattr(", "|replace(", "loop.index", "namespace(",
          "raise_exception(", "range(", "[::-1]", "~", "is defined", "{%- macro m(a) %}", "{%- endmacro %}"));
    }
    return words.stream().limit(WORDS_MAX).toList();
  }

  private static List<Path> files(Path folder, Predicate<Path> wanted) throws IOException {
    return files(folder, wanted, BYTES_MAX);
  }

  private static List<Path> files(Path folder, Predicate<Path> wanted, int bytesMax) throws IOException {
    try (var files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).filter(wanted).filter(p -> p.toFile().length() <= bytesMax)
          .sorted(Comparator.comparingLong((Path p) -> p.toFile().length()).thenComparing(Path::toString))
          .limit(COUNT_MAX).toList();
    }
  }

  private static List<byte[]> contents(List<Path> files) throws IOException {
    var contents = new ArrayList<byte[]>();
    for (Path file : files) {
      contents.add(Files.readAllBytes(file));
    }
    return contents;
  }

  /// Those without weights.
  private static List<byte[]> programs() throws IOException {
    var programs = new ArrayList<byte[]>();
    for (Path file : files(FIXTURES, p -> p.toString().endsWith(".pt2"), 16 * BYTES_MAX)) {
      var entries = StoredZip.entries(file);
      if (entries.keySet().stream().noneMatch(n -> n.contains("/data/weights/weight_"))) {
        entries.forEach((name, content) -> {
          if (name.matches("[^/]+/models/[^/]+\\.json|serialized_exported_program.json")) {
            programs.add(content);
          }
        });
      }
    }
    return programs;
  }

  private static List<byte[]> pickles() throws IOException {
    var pickles = new ArrayList<byte[]>();
    for (Path file : files(FIXTURES, p -> p.toString().contains("torch2.6") || p.toString().contains("layout2.8"))) {
      StoredZip.entries(file).forEach((name, content) -> {
        if (name.endsWith(".pt") && content.length > 0) {
          pickles.add(StoredZip.pickle(content));
        }
      });
    }
    return pickles;
  }

  private static List<byte[]> graphs() throws IOException {
    var graphs = new ArrayList<byte[]>(contents(files(RESOURCES, p -> p.toString().endsWith(".ir"))));
    try (var arena = Arena.ofConfined()) {
      for (Path file : files(FIXTURES.resolve("more"), p -> p.endsWith("model.pt2"), BYTES_MAX)) {
        byte[] text = Pt2Importer.read(file, arena).graph().toString().getBytes(StandardCharsets.UTF_8);
        if (text.length < BYTES_MAX / 4) {
          graphs.add(text);
        }
      }
    }
    return graphs;
  }

  /// Every text of the recorded templates that is one.
  private static List<byte[]> templates() throws IOException {
    var texts = new ArrayList<byte[]>();
    collect(JsonMapper.shared().readTree(Path.of("../text/src/test/resources/templates.json").toFile()), texts);
    return texts;
  }

  private static void collect(JsonNode node, List<byte[]> texts) {
    if (node.isString() && node.asString().contains("{")) {
      texts.add(node.asString().getBytes(StandardCharsets.UTF_8));
    }
    node.forEach(child -> collect(child, texts));
  }
}
