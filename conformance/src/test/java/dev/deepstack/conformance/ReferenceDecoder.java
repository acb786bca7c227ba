package dev.deepstack.conformance;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.models.graph.DecoderGraph;
import dev.deepstack.reference.Interpreter;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;

/// One sequence through a decoder's graph on the interpreter, over a cache whose pages lie in reverse order.
final class ReferenceDecoder {
  private static final int PAGE = 8;

  private final Graph graph;
  private final Map<String, HostTensor> weights = new HashMap<>();
  private final long pages;
  private Map<String, HostTensor> states = new LinkedHashMap<>();
  private long position;

  /// @param length tokens that the sequence may have
  ReferenceDecoder(ImportedDecoder decoder, int length, Arena arena) {
    graph = decoder.graph(new DecoderGraph.Options(DType.F32, PAGE));
    pages = Math.ceilDiv(length, PAGE);
    weights.putAll(DecoderGraph.constants(decoder.spec()));
    for (Op.Weight weight : graph.ops(Op.Weight.class)) {
      weights.computeIfAbsent(weight.name(), _ -> decoder.whole(weight, arena));
    }
    for (Op.State state : graph.ops(Op.State.class)) {
      long[] shape = state.type().shape().evaluate(Map.of("S", pages * PAGE));
      states.put(state.name(), HostTensor.zeros(state.type().dtype(), shape));
    }
  }

  /// Logits `[tokens, vocab]` of further tokens, in one step.
  float[][] step(long... tokens) {
    int count = tokens.length;
    long first = position;
    long[] positions = LongStream.range(first, first + count).toArray();
    long[] slots = LongStream.of(positions).map(p -> (pages - 1 - p / PAGE) * PAGE + p % PAGE).toArray();
    var inputs = new LinkedHashMap<String, HostTensor>();
    inputs.put("tokens", HostTensor.of(tokens, count));
    inputs.put("positions", HostTensor.of(positions, count));
    inputs.put("sequences", HostTensor.of(new long[count], count));
    inputs.put("slots", HostTensor.of(slots, count));
    inputs.put("pages", HostTensor.of(LongStream.range(0, pages).map(p -> pages - 1 - p).toArray(), 1, pages));
    inputs.put("select", HostTensor.of(LongStream.range(0, count).toArray(), count));
    Interpreter.Outcome outcome = Interpreter.run(graph, inputs, states,
        name -> Objects.requireNonNull(weights.get(name), name));
    states = outcome.states();
    position += count;
    return rows(Objects.requireNonNull(outcome.results().get("logits")));
  }

  /// The place of the largest logit.
  static int greedy(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  static float[][] rows(HostTensor matrix) {
    float[] all = matrix.toFloats();
    var rows = new float[(int) matrix.shape()[0]][(int) matrix.shape()[1]];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(all, i * rows[i].length, rows[i], 0, rows[i].length);
    }
    return rows;
  }
}
