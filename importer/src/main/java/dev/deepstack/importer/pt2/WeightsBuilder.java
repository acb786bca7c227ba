package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/// Collects stored tensors, checking each against its storage before anything is made of it.
final class WeightsBuilder {
  /// A view may repeat its storage (stride 0), but not without end.
  private static final long REPEATED_BYTES_MAX = 1L << 30;

  private final SequencedMap<String, StridedTensor> tensors = new LinkedHashMap<>();
  private final SequencedMap<String, String> refused = new LinkedHashMap<>();

  Weights build() {
    return new Weights(tensors, refused);
  }

  /// Keeps a name whose content cannot be used.
  void refuse(String name, String what, Place place) {
    checkName(name, place);
    refused.put(name, what);
  }

  void add(String name, ScalarType type, long[] shape, long[] strides, long offset, MemorySegment storage,
      Place place) {
    checkName(name, place);
    var shown = "the tensor " + Place.quote(name) + " " + type.text() + Arrays.toString(shape);
    if (shape.length != strides.length) {
      throw place.malformed(shown + " has " + strides.length + " strides");
    }
    long elements = 1;
    long last = offset;
    boolean sound = offset >= 0;
    try {
      for (int i = 0; i < shape.length; i++) {
        sound &= shape[i] >= 0 && strides[i] >= 0;
        elements = Math.multiplyExact(elements, shape[i]);
        last = Math.addExact(last, Math.multiplyExact(Math.max(0, shape[i] - 1), strides[i]));
      }
      // An empty tensor owns no element, so its offset says nothing.
      sound &= elements == 0
          || Math.multiplyExact(Math.addExact(last, 1), type.bytes()) <= storage.byteSize();
      Math.multiplyExact(elements, type.bytes());
    } catch (ArithmeticException e) {
      throw place.malformed(shown + " is larger than any memory", e);
    }
    if (elements > 0 && storage.byteSize() == 0) {
      throw place.unsupported(shown + " was saved without its values; export the model with its real"
          + " weights loaded");
    }
    if (!sound) {
      throw place.malformed(shown + " with strides " + Arrays.toString(strides) + " and offset " + offset
          + " reaches outside its storage of " + storage.byteSize() + " bytes");
    }
    if (elements * type.bytes() > storage.byteSize() + REPEATED_BYTES_MAX) {
      throw place.unsupported(shown + " repeats " + storage.byteSize()
          + " stored bytes to an unreasonable size; expand it inside the model instead");
    }
    long start = elements == 0 ? 0 : offset;
    DType part = type.part();
    if (type.isSupported()) {
      tensors.put(name, new StridedTensor(type.dtype(), shape, strides, start, storage));
    } else if (part != null) {
      tensors.put(name, pairs(part, shape, strides, start, storage));
    } else {
      refused.put(name, type.text() + " tensor");
    }
  }

  /// Complex numbers as they are stored: a last axis of two, the real part first.
  private static StridedTensor pairs(DType part, long[] shape, long[] strides, long offset, MemorySegment storage) {
    long[] extents = Arrays.copyOf(shape, shape.length + 1);
    extents[shape.length] = 2;
    long[] steps = Arrays.copyOf(Arrays.stream(strides).map(s -> 2 * s).toArray(), shape.length + 1);
    steps[shape.length] = 1;
    return new StridedTensor(part, extents, steps, 2 * offset, storage);
  }

  private void checkName(String name, Place place) {
    if (tensors.containsKey(name) || refused.containsKey(name)) {
      throw place.malformed("it stores " + Place.quote(name) + " twice");
    }
  }
}
