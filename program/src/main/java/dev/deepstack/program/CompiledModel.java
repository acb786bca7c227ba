package dev.deepstack.program;

import dev.deepstack.tensor.StridedTensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Everything a model needs to run: what a compiler makes of a model file, and what a `.dsp` file holds.
///
/// @param programs the general program first, then specialisations of it with some symbols fixed
/// @param weights the tensors that weight recipes name
/// @param states values of the states before the first step
/// @param context tokens the model's caches can hold; 0 where that is not known
/// @param tokenizer the text of a `tokenizer.json`, or null
/// @param decoding what generation must know about a decoder with paged caches; null for every other model
/// @param backing keeps the memory of weights and states mapped
public record CompiledModel(
    List<Program> programs,
    WeightSource weights,
    SequencedMap<String, StridedTensor> states,
    long context,
    @Nullable String tokenizer,
    @Nullable Decoding decoding,
    Backing backing)
    implements AutoCloseable {
  /// The mapped files behind a model.
  @FunctionalInterface
  public interface Backing {
    void close();
  }

  public CompiledModel {
    programs = List.copyOf(programs);
    states = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(states));
  }

  /// A model that is no decoder with paged caches.
  public CompiledModel(List<Program> programs, WeightSource weights, SequencedMap<String, StridedTensor> states,
      long context, @Nullable String tokenizer, Backing backing) {
    this(programs, weights, states, context, tokenizer, null, backing);
  }

  public Program general() {
    return programs.getFirst();
  }

  /// The same with a tokenizer.
  public CompiledModel withTokenizer(@Nullable String json) {
    return new CompiledModel(programs, weights, states, context, json, decoding, backing);
  }

  @Override
  public void close() {
    backing.close();
  }
}
