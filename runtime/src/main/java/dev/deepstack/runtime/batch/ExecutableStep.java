package dev.deepstack.runtime.batch;

import dev.deepstack.program.Decoding;
import dev.deepstack.program.Port;
import dev.deepstack.runtime.Binding;
import dev.deepstack.runtime.Executable;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.MalformedModelException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Steps of a compiled decoder, as [Decoding] describes it.
public final class ExecutableStep implements DecoderStep {
  private static final List<String> INPUTS =
      List.of("tokens", "positions", "sequences", "slots", "pages", "select");

  private final Executable executable;
  private final int vocabulary;
  private final boolean canSelectNothing;
  private final List<String> symbols;

  /// @throws MalformedModelException when the program is no such decoder
  public ExecutableStep(Executable executable, Decoding decoding) {
    this.executable = executable;
    vocabulary = decoding.vocabulary();
    List<Port> inputs = executable.inputs();
    boolean fits = inputs.stream().map(Port::name).toList().equals(INPUTS)
        && inputs.stream().allMatch(p -> p.type().dtype() == DType.I64)
        && executable.results().getFirst().type().dtype() == DType.F32;
    if (!fits) {
      throw new MalformedModelException("the program is not the decoder it claims to be: it takes "
          + inputs.stream().map(p -> p.name() + " " + p.type()).toList() + "; compile the model again");
    }
    symbols = symbols(inputs);
    DimRange rows = executable.symbols().get(symbols.getLast());
    canSelectNothing = rows == null || rows.min() == 0;
  }

  /// Those of tokens, sequences, columns of pages and selected rows.
  private static List<String> symbols(List<Port> inputs) {
    return List.of(symbol(inputs, 0, 0), symbol(inputs, 4, 0), symbol(inputs, 4, 1), symbol(inputs, 5, 0));
  }

  private static String symbol(List<Port> inputs, int input, int axis) {
    return inputs.get(input).type().dim(axis).toString();
  }

  @Override
  public int vocabulary() {
    return vocabulary;
  }

  @Override
  public boolean canSelectNothing() {
    return canSelectNothing;
  }

  /// The values of the symbols for a batch of this size.
  public Map<String, Long> sizes(int tokens, int sequences, int columns, int selected) {
    return values(symbols, tokens, sequences, columns, selected);
  }

  /// As [#sizes(int, int, int, int)], for a decoder that is not loaded.
  public static Map<String, Long> sizes(List<Port> inputs, int tokens, int sequences, int columns, int selected) {
    return values(symbols(inputs), tokens, sequences, columns, selected);
  }

  private static Map<String, Long> values(List<String> symbols, long... values) {
    Map<String, Long> sizes = new HashMap<>();
    for (int i = 0; i < values.length; i++) {
      sizes.put(symbols.get(i), values[i]);
    }
    return sizes;
  }

  @Override
  public MemorySegment run(TokenBatch batch) {
    int columns = batch.columns();
    Binding binding =
        executable.bindSymbols(sizes(batch.count(), batch.sequenceCount(), columns, batch.selectedCount()));
    fill(binding.input(0), batch.count(), batch::token);
    fill(binding.input(1), batch.count(), batch::position);
    fill(binding.input(2), batch.count(), batch::sequence);
    fill(binding.input(3), batch.count(), batch::slot);
    fill(binding.input(4), batch.sequenceCount() * columns, i -> batch.page(i / columns, i % columns));
    fill(binding.input(5), batch.selectedCount(), batch::selected);
    binding.step();
    return binding.result(0).data();
  }

  private static void fill(HostTensor tensor, int count, java.util.function.IntToLongFunction values) {
    MemorySegment data = tensor.data();
    for (int i = 0; i < count; i++) {
      data.setAtIndex(ValueLayout.JAVA_LONG, i, values.applyAsLong(i));
    }
  }
}
