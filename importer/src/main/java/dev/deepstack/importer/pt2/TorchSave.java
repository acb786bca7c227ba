package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.TorchGlobals.TensorRef;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A blob written by `torch.save`: a zip of a pickle and the storages it refers to.
final class TorchSave {
  private static final String PICKLE = "data.pkl";
  private static final int TEXT_BYTES_MAX = 256;

  private final ZipArchive zip;
  private final String root;
  private final Place place;
  private final @Nullable Object object;

  /// The caller has checked the blob's checksum where that was wanted: storages are not read here.
  TorchSave(MemorySegment blob, Place place, Arena arena) {
    this.place = place;
    this.zip = ZipArchive.open(blob, place, arena, false);
    this.root = zip.names().stream()
        .filter(name -> name.equals(PICKLE) || name.endsWith("/" + PICKLE))
        .findFirst()
        .map(name -> name.substring(0, name.length() - PICKLE.length()))
        .orElseThrow(() -> place.malformed("it has no " + PICKLE));
    var order = zip.text(root + "byteorder", TEXT_BYTES_MAX);
    if (order != null && !order.equals("little")) {
      throw place.unsupported("the file was written on a big-endian machine; save it on a little-endian one");
    }
    var here = place.in(root + PICKLE);
    this.object = TorchPickle.read(zip.read(root + PICKLE), new TorchGlobals(here), here);
  }

  /// Adds every entry of the dict this blob holds. Values that are no tensors are kept by name only.
  void addAll(WeightsBuilder weights) {
    if (!(object instanceof Map<?, ?> dict)) {
      throw place.malformed("it does not hold a dict of tensors");
    }
    for (var entry : dict.entrySet()) {
      var name = String.valueOf(entry.getKey());
      if (entry.getValue() instanceof TensorRef tensor) {
        add(weights, name, tensor);
      } else {
        weights.refuse(name, "value that is no tensor", place);
      }
    }
  }

  /// Adds the single tensor this blob holds.
  void addOne(String name, WeightsBuilder weights) {
    if (!(object instanceof TensorRef tensor)) {
      throw place.malformed("it does not hold a tensor");
    }
    add(weights, name, tensor);
  }

  private void add(WeightsBuilder weights, String name, TensorRef tensor) {
    var storage = zip.map(root + "data/" + tensor.storage().key());
    if (storage.byteSize() != tensor.storage().bytes()) {
      throw place.malformed("the storage of " + Place.quote(name) + " has " + storage.byteSize()
          + " bytes where " + tensor.storage().bytes() + " are stated");
    }
    weights.add(name, tensor.type(), tensor.shape(), tensor.strides(), tensor.offset(), storage, place);
  }
}
