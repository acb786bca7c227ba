package dev.deepstack.importer;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.StoredForm;
import dev.deepstack.models.graph.DecoderGraph;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Objects;
import java.util.SequencedMap;

/// A decoder of a checkpoint: what it is, how each weight is stored, and the tensors. Every weight has been checked for
/// presence, shape and dtype.
///
/// @param forms how each weight of [dev.deepstack.models.DecoderWeights] is stored, by name
public record ImportedDecoder(DecoderSpec spec, SequencedMap<String, StoredForm> forms, WeightSource weights) {
  public ImportedDecoder {
    forms = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(forms));
  }

  /// The same for sequences of so many tokens; see [DecoderSpec#forContext].
  public ImportedDecoder forContext(long tokens) {
    return new ImportedDecoder(spec.forContext(tokens), forms, weights);
  }

  /// The form of a weight.
  public StoredForm form(DecoderWeight weight) {
    return Objects.requireNonNull(forms.get(weight.name()), weight.name());
  }

  /// The graph of a step; see [DecoderGraph].
  public Graph graph(DecoderGraph.Options options) {
    return DecoderGraph.build(spec, this::form, options);
  }

  /// A tensor that the graph names: of the checkpoint, or one that follows from the spec alone.
  ///
  /// @param arena of tensors that must be computed
  /// @throws dev.deepstack.tensor.InvalidInputException when there is no such tensor
  public StridedTensor tensor(String name, Arena arena) {
    if (!DecoderGraph.isConstant(name)) {
      return weights.tensor(name, arena);
    }
    HostTensor constant = DecoderGraph.constants(spec).get(name);
    if (constant == null) {
      throw new InvalidInputException("the decoder has no weight named \"" + name + "\"");
    }
    return StridedTensor.of(constant);
  }

  /// A weight of the graph as one tensor: a slice of the mapped file when its bytes lie there in order, else a copy.
  public HostTensor whole(Op.Weight weight, Arena arena) {
    if (!weight.name().contains("*")) {
      return fitting(weight.name(), weight.type().shape().toLongs(), arena).contiguous(arena);
    }
    long[] shape = weight.type().shape().toLongs();
    long[] slice = java.util.Arrays.copyOfRange(shape, 1, shape.length);
    HostTensor all = HostTensor.allocate(arena, weight.type().dtype(), shape);
    long bytes = all.data().byteSize() / Math.max(shape[0], 1);
    for (long i = 0; i < shape[0]; i++) {
      HostTensor one = fitting(weight.name().replace("*", Long.toString(i)), slice, arena).contiguous(arena);
      MemorySegment.copy(one.data(), 0, all.data(), i * bytes, bytes);
    }
    return all;
  }

  private StridedTensor fitting(String name, long[] shape, Arena arena) {
    StridedTensor tensor = tensor(name, arena);
    if (!java.util.Arrays.equals(tensor.shape(), shape)) {
      throw new MalformedModelException("tensor " + name + " is " + tensor.type() + ", not "
          + java.util.Arrays.toString(shape) + "; fetch the model again");
    }
    return tensor;
  }
}
