package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.SequencedSet;

/// Stored tensors by fully-qualified name, in file order: views in the mapped file.
///
/// Tensors that share storage in the file have the very same `storage()` segment, so identity of segments
/// tells aliases. Complex numbers have a last axis of two, the real part first. An entry DeepStack cannot hold
/// (script objects) is kept by name and refused by [#tensor] when something asks for it.
public final class Weights {
  private final SequencedMap<String, StridedTensor> tensors;
  private final SequencedMap<String, String> refused;

  /// `refused` maps a name to the reason, as "float8_e8m0fnu tensor".
  Weights(SequencedMap<String, StridedTensor> tensors, SequencedMap<String, String> refused) {
    this.tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
    this.refused = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(refused));
  }

  /// All usable tensors.
  public SequencedMap<String, StridedTensor> tensors() {
    return tensors;
  }

  /// Names of stored entries that [#tensor] refuses.
  public SequencedSet<String> refusedNames() {
    return refused.sequencedKeySet();
  }

  /// Whether the file stores something under that name.
  public boolean contains(String name) {
    return tensors.containsKey(name) || refused.containsKey(name);
  }

  /// The tensor of that name; throws `MalformedModelException` if the file has none and
  /// `UnsupportedModelException` for an entry DeepStack cannot hold.
  public StridedTensor tensor(String name) {
    var tensor = tensors.get(name);
    if (tensor != null) {
      return tensor;
    }
    var reason = refused.get(name);
    if (reason != null) {
      throw new UnsupportedModelException("the model needs \"" + name + "\", a " + reason
          + ", which is not supported; rewrite that part of the model with real tensors and export it again");
    }
    throw new MalformedModelException("the model needs the tensor \"" + name
        + "\", which the file does not contain; export the model again");
  }
}
