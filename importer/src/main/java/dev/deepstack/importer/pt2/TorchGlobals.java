package dev.deepstack.importer.pt2;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The few names a pickle of tensors may mention, and what they mean. All others are refused by name.
final class TorchGlobals {
  /// A name from the pickle that was allowed.
  record Global(String name) {}

  /// A storage by its key. `type` is null for an untyped one; `bytes` is its stated size.
  record StorageRef(String key, @Nullable ScalarType type, long bytes) {}

  /// A tensor over a storage, in elements.
  record TensorRef(StorageRef storage, ScalarType type, long offset, long[] shape, long[] strides) {}

  private static final Map<String, ScalarType> STORAGES = Map.ofEntries(
      Map.entry("torch ByteStorage", ScalarType.UINT8),
      Map.entry("torch CharStorage", ScalarType.INT8),
      Map.entry("torch ShortStorage", ScalarType.INT16),
      Map.entry("torch IntStorage", ScalarType.INT32),
      Map.entry("torch LongStorage", ScalarType.INT64),
      Map.entry("torch HalfStorage", ScalarType.FLOAT16),
      Map.entry("torch FloatStorage", ScalarType.FLOAT32),
      Map.entry("torch DoubleStorage", ScalarType.FLOAT64),
      Map.entry("torch ComplexFloatStorage", ScalarType.COMPLEX64),
      Map.entry("torch ComplexDoubleStorage", ScalarType.COMPLEX128),
      Map.entry("torch BoolStorage", ScalarType.BOOL),
      Map.entry("torch BFloat16Storage", ScalarType.BFLOAT16));
  private static final String UNTYPED = "torch.storage UntypedStorage";
  private static final String ORDERED_DICT = "collections OrderedDict";
  private static final String SIZE = "torch Size";
  private static final String TENSOR_2 = "torch._utils _rebuild_tensor_v2";
  private static final String TENSOR_3 = "torch._utils _rebuild_tensor_v3";
  private static final String PARAMETER = "torch._utils _rebuild_parameter";
  private static final String PARAMETER_WITH_STATE = "torch._utils _rebuild_parameter_with_state";
  private static final int RANK_MAX = 64;

  private final Place place;

  TorchGlobals(Place place) {
    this.place = place;
  }

  Global global(String module, String name) {
    var full = module + " " + name;
    boolean allowed = switch (full) {
      case UNTYPED, ORDERED_DICT, SIZE, TENSOR_2, TENSOR_3, PARAMETER, PARAMETER_WITH_STATE -> true;
      default -> STORAGES.containsKey(full) || elementType(full) != null;
    };
    if (allowed) {
      return new Global(full);
    }
    var shown = Place.quote(module + "." + name);
    throw switch (name) {
      case "_reconstruct_fake_tensor" ->
          place.unsupported("the file was exported without weights (it refers to "
          + shown + "); export the model with its real weights loaded");
      case "_rebuild_qtensor", "_rebuild_sparse_tensor", "_get_layout", "_rebuild_from_type_v2" ->
          place.unsupported("a tensor needs " + shown
              + " to be rebuilt, but only plain dense tensors are read; convert it before exporting");
      default -> place.unsupported("the pickle refers to " + shown
          + ", which is neither run nor needed for tensors; do not trust this file, or export it again with"
          + " torch 2.9 or later, which stores tensors without pickle");
    };
  }

  private static @Nullable ScalarType elementType(String full) {
    return full.startsWith("torch ") ? ScalarType.ofText(full.substring("torch ".length())) : null;
  }

  /// The storage a persistent id stands for: `('storage', class, key, device, count)`.
  StorageRef storage(@Nullable Object id) {
    if (!(id instanceof List<?> parts) || parts.size() != 5 || !"storage".equals(parts.getFirst())
        || !(parts.get(1) instanceof Global storageClass) || !(parts.get(2) instanceof String key)
        || !(parts.get(4) instanceof Long count)) {
      throw place.malformed("the pickle refers to something else than a storage");
    }
    var className = storageClass.name();
    var type = STORAGES.get(className);
    if (type == null && !className.equals(UNTYPED)) {
      throw place.malformed("the pickle takes " + Place.quote(className) + " for a storage");
    }
    int width = type == null ? 1 : type.bytes();
    if (count < 0 || count > Long.MAX_VALUE / width) {
      throw place.malformed("the storage " + Place.quote(key) + " has " + count + " elements");
    }
    return new StorageRef(key, type, count * width);
  }

  /// What a call in the pickle stands for.
  @Nullable Object reduce(@Nullable Object function, List<?> arguments) {
    if (!(function instanceof Global global)) {
      throw place.malformed("the pickle calls something that is no function");
    }
    var name = global.name();
    return switch (name) {
      case ORDERED_DICT -> {
        if (!arguments.isEmpty()) {
          throw place.malformed("the pickle builds an ordered dict from arguments");
        }
        yield new LinkedHashMap<@Nullable Object, @Nullable Object>();
      }
      case SIZE -> argument(arguments, 0, List.class);
      case TENSOR_2 -> tensor2(arguments);
      case TENSOR_3 -> tensor3(arguments);
      case PARAMETER, PARAMETER_WITH_STATE -> argument(arguments, 0, TensorRef.class);
      default -> throw place.malformed("the pickle calls " + Place.quote(name) + ", which is no function");
    };
  }

  private TensorRef tensor2(List<?> arguments) {
    if (arguments.size() > 6 && !(arguments.get(6) instanceof Map<?, ?> metadata && metadata.isEmpty())) {
      throw place.unsupported(
          "a tensor is stored as a conjugated or negated view; clone it before exporting");
    }
    var storage = argument(arguments, 0, StorageRef.class);
    if (storage.type() == null) {
      throw place.malformed("a tensor's storage has no element type");
    }
    return tensor(storage, storage.type(), arguments);
  }

  private TensorRef tensor3(List<?> arguments) {
    var type = elementType(argument(arguments, 6, Global.class).name());
    if (type == null) {
      throw place.malformed("a tensor has no element type");
    }
    return tensor(argument(arguments, 0, StorageRef.class), type, arguments);
  }

  private TensorRef tensor(StorageRef storage, ScalarType type, List<?> arguments) {
    return new TensorRef(storage, type, argument(arguments, 1, Long.class), longs(arguments, 2),
        longs(arguments, 3));
  }

  private long[] longs(List<?> arguments, int index) {
    var list = argument(arguments, index, List.class);
    if (list.size() > RANK_MAX) {
      throw place.malformed("a tensor has " + list.size() + " dimensions");
    }
    var values = new long[list.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = argument(list, i, Long.class);
    }
    return values;
  }

  private <T> T argument(List<?> arguments, int index, Class<T> type) {
    if (index >= arguments.size() || !type.isInstance(arguments.get(index))) {
      throw place.malformed("a call in the pickle lacks a " + type.getSimpleName() + " as argument " + index);
    }
    return type.cast(arguments.get(index));
  }
}
