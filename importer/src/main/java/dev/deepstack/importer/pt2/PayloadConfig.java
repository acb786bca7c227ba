package dev.deepstack.importer.pt2;

import java.lang.foreign.MemorySegment;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Reads a config that says which file of the archive holds which tensor.
final class PayloadConfig {
  /// One stored entry. `meta` is null for script objects; `pickled` files are blobs of `torch.save`.
  record Payload(String path, boolean pickled, @Nullable TensorMeta meta) {}

  private final JsonCursor json;
  private final GraphReader graphs;

  private PayloadConfig(JsonCursor json) {
    this.json = json;
    this.graphs = new GraphReader(json);
  }

  static SequencedMap<String, Payload> read(MemorySegment text, Place place) {
    try (var json = new JsonCursor(text, place)) {
      return new PayloadConfig(json).config();
    }
  }

  private SequencedMap<String, Payload> config() {
    SequencedMap<String, Payload> payloads = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      if (key.equals("config")) {
        payloads = json.map(this::payload);
      } else {
        json.skip();
      }
    }
    json.end();
    return json.require(payloads, "config");
  }

  private Payload payload() {
    String path = null;
    boolean pickled = false;
    TensorMeta meta = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "path_name" -> path = json.string();
        case "use_pickle" -> pickled = json.bool();
        case "tensor_meta" -> meta = json.orNull(graphs::tensorMeta);
        default -> json.skip();
      }
    }
    return new Payload(json.require(path, "path_name"), pickled, meta);
  }
}
