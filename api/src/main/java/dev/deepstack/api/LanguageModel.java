package dev.deepstack.api;

import dev.deepstack.program.Port;
import dev.deepstack.runtime.Binding;
import dev.deepstack.runtime.Executable;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import java.util.List;
import java.util.Map;

/// A program recognised as a language model: token ids i64[1,T] and positions i64[T] to logits [1,T,vocab], whatever
/// they are called.
///
/// @param tokens which input holds token ids
/// @param positions which input holds positions
/// @param symbol the symbol T, or empty when T is fixed
/// @param lengths how many tokens one step may take
/// @param context tokens the caches hold, 0 if unknown
record LanguageModel(
    Executable executable, int tokens, int positions, String symbol, DimRange lengths, long vocab, long context) {
  static LanguageModel recognise(Executable executable, long context) {
    List<Port> inputs = executable.inputs();
    for (int t = 0; t < inputs.size() && inputs.size() == 2; t++) {
      Port ids = inputs.get(t);
      Port places = inputs.get(1 - t);
      boolean fits = isIds(ids) && places.type().dtype() == DType.I64 && places.type().rank() == 1
          && places.type().dim(0).equals(ids.type().dim(1));
      if (fits && hasLogits(executable.results(), ids.type().dim(1))) {
        return of(executable, t, ids.type().dim(1), context);
      }
    }
    throw new InvalidInputException("this is not a language model that generates text: it must take token ids "
        + "i64[1,T] and positions i64[T] and give logits [1,T,vocab], but it takes " + types(inputs) + " and gives "
        + types(executable.results()) + "; run it with deepstack exec");
  }

  private static String types(List<Port> ports) {
    return String.join(", ", ports.stream().map(p -> p.name() + " " + p.type()).toList());
  }

  private static boolean isIds(Port port) {
    return port.type().dtype() == DType.I64 && port.type().rank() == 2 && port.type().dim(0).is(1);
  }

  private static boolean hasLogits(List<Port> results, Dim length) {
    var first = results.getFirst().type();
    return first.dtype().isFloat() && first.rank() == 3 && first.dim(0).is(1) && first.dim(1).equals(length)
        && first.dim(2).isConstant();
  }

  private static LanguageModel of(Executable executable, int tokens, Dim length, long context) {
    long vocab = executable.results().getFirst().type().dim(2).constant();
    if (length.isConstant()) {
      long fixed = length.constant();
      return new LanguageModel(executable, tokens, 1 - tokens, "", new DimRange(fixed, fixed), vocab, context);
    }
    String symbol = length.symbols().first();
    if (!length.equals(Dim.symbol(symbol))) {
      throw new InvalidInputException("the model's length is " + length
          + ", and text needs any length; export it with a plain dynamic dimension");
    }
    DimRange range = executable.symbols().get(symbol);
    DimRange lengths = range == null ? new DimRange(1, Long.MAX_VALUE)
        : new DimRange(Math.max(1, range.min()), range.max());
    return new LanguageModel(executable, tokens, 1 - tokens, symbol, lengths, vocab, context);
  }

  /// The most tokens of prompt and answer together.
  long contextMax() {
    return context > 0 ? context : lengths.isBounded() && !symbol.isEmpty() ? lengths.max() : Integer.MAX_VALUE;
  }

  /// Runs tokens at consecutive positions and returns the logits of the last one.
  HostTensor step(int[] ids, int from, int count, int position) {
    Binding binding = executable.bindSymbols(symbol.isEmpty() ? Map.of() : Map.of(symbol, (long) count));
    HostTensor t = binding.input(tokens);
    HostTensor p = binding.input(positions);
    for (int i = 0; i < count; i++) {
      t.setLong(i, ids[from + i]);
      p.setLong(i, position + i);
    }
    binding.step();
    HostTensor logits = binding.result(0);
    long width = vocab * logits.dtype().bytes();
    return new HostTensor(logits.dtype(), new long[] {vocab}, logits.data().asSlice((count - 1) * width, width));
  }
}
