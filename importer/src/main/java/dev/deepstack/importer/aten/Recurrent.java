package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/// Recurrent layers, whole: the products with the input are one linear layer over all times, the products with the
/// hidden state a loop over time.
final class Recurrent {
  private final Call c;
  private final Emit e;
  private final Cell cell;
  private final boolean biased;

  private Recurrent(Call c, Cell cell) {
    this.c = c;
    this.e = c.e;
    this.cell = cell;
    biased = c.flag("has_biases", true);
  }

  static void add(Operators.Builder table) {
    table.aten("lstm.input", c -> new Recurrent(c, Recurrent::lstm).layers(true))
        .aten("gru.input", c -> new Recurrent(c, Recurrent::gru).layers(false))
        .aten("rnn_tanh.input", c -> new Recurrent(c, rnn(Emit::tanh)).layers(false))
        .aten("rnn_relu.input", c -> new Recurrent(c, rnn(Emit::relu)).layers(false))
        .aten("lstm_cell", c -> cell(c, Recurrent::lstm, true))
        .aten("gru_cell", c -> cell(c, Recurrent::gru, false))
        .aten("rnn_tanh_cell", c -> cell(c, rnn(Emit::tanh), false))
        .aten("rnn_relu_cell", c -> cell(c, rnn(Emit::relu), false));
  }

  /// The weights of one layer in one direction.
  ///
  /// @param projection of the hidden state, or null
  private record Weights(
      Value input, Value hidden, @Nullable Value inputBias, @Nullable Value hiddenBias, @Nullable Value projection) {
    Weights in(LoopBuilder loop) {
      return new Weights(input, loop.given(hidden), inputBias, hiddenBias == null ? null : loop.given(hiddenBias),
          projection == null ? null : loop.given(projection));
    }
  }

  /// One time: from what the input contributes `[b,gates]` and the old states to the new ones.
  private interface Cell {
    List<Value> next(Emit e, Value x, List<Value> states, Weights w);
  }

  private static List<Value> lstm(Emit e, Value x, List<Value> states, Weights w) {
    Value gates = e.add(x, e.linear(states.get(0), w.hidden, w.hiddenBias));
    List<Value> g = split(e, gates, 4);
    Value cell = e.add(e.mul(e.sigmoid(g.get(1)), states.get(1)), e.mul(e.sigmoid(g.get(0)), e.tanh(g.get(2))));
    Value hidden = e.mul(e.sigmoid(g.get(3)), e.tanh(cell));
    return List.of(w.projection == null ? hidden : e.linear(hidden, w.projection, null), cell);
  }

  private static List<Value> gru(Emit e, Value x, List<Value> states, Weights w) {
    Value h = states.getFirst();
    List<Value> i = split(e, x, 3);
    List<Value> g = split(e, e.linear(h, w.hidden, w.hiddenBias), 3);
    Value reset = e.sigmoid(e.add(i.get(0), g.get(0)));
    Value update = e.sigmoid(e.add(i.get(1), g.get(1)));
    Value fresh = e.tanh(e.add(i.get(2), e.mul(reset, g.get(2))));
    return List.of(e.add(fresh, e.mul(update, e.sub(h, fresh))));
  }

  private static Cell rnn(BiFunction<Emit, Value, Value> activation) {
    return (e, x, states, w) -> List.of(
        activation.apply(e, e.add(x, e.linear(states.getFirst(), w.hidden, w.hiddenBias))));
  }

  private static List<Value> split(Emit e, Value x, int parts) {
    int axis = x.type().rank() - 1;
    Dim size = x.type().dim(-1).floorDiv(parts);
    var list = new ArrayList<Value>();
    for (int i = 0; i < parts; i++) {
      list.add(e.slice(x, axis, size.times(i), size, 1));
    }
    return list;
  }

  private void layers(boolean hasCell) {
    if (c.flag("train", false) && c.number("dropout", 0) > 0) {
      throw new Refusal("dropout in training");
    }
    boolean batchFirst = c.flag("batch_first", false);
    int directions = c.flag("bidirectional", false) ? 2 : 1;
    long layers = c.integer("num_layers", 1);
    List<Value> first = hasCell ? c.tensors("hx") : List.of(c.tensor("hx"));
    List<Value> params = c.tensors("params");
    Value x = c.tensor("input");
    if (batchFirst) {
      x = e.transpose(x, 0, 1);
    }
    int each = params.size() / Math.toIntExact(layers * directions);
    var last = new ArrayList<List<Value>>();
    first.forEach(_ -> last.add(new ArrayList<>()));
    for (int layer = 0, at = 0; layer < layers; layer++) {
      var outputs = new ArrayList<Value>();
      for (int d = 0; d < directions; d++, at++) {
        var states = new ArrayList<Value>();
        for (Value s : first) {
          states.add(e.reshape(e.slice(s, 0, Dim.of(at), Dim.ONE, 1), s.type().shape().without(0)));
        }
        List<Value> results = loop(x, states, weights(params.subList(at * each, (at + 1) * each)), d == 1);
        for (int s = 0; s < states.size(); s++) {
          last.get(s).add(e.unsqueeze(results.get(s), 0));
        }
        outputs.add(results.getLast());
      }
      x = concat(outputs, 2);
    }
    c.set(0, batchFirst ? e.transpose(x, 0, 1) : x);
    for (int s = 0; s < last.size(); s++) {
      // Files of torch 2.6 record one axis of extent 1 too many.
      c.setUnrecorded(1 + s, concat(last.get(s), 0));
    }
  }

  private Value concat(List<Value> parts, int axis) {
    return parts.size() == 1 ? parts.getFirst() : e.of(new Op.Concat(parts, axis));
  }

  private Weights weights(List<Value> p) {
    int more = biased ? 4 : 2;
    return new Weights(p.get(0), p.get(1), biased ? p.get(2) : null, biased ? p.get(3) : null,
        p.size() > more ? p.get(more) : null);
  }

  /// All times of one layer in one direction: the last states, then the hidden states of all times.
  private List<Value> loop(Value x, List<Value> states, Weights w, boolean backwards) {
    Dim time = x.type().dim(0);
    Value contributions = e.linear(x, w.input, w.inputBias);
    var loop = new LoopBuilder(e);
    List<Value> inside = states.stream().map(loop::carry).toList();
    Dim now = backwards ? time.minus(1).minus(loop.counter()) : loop.counter();
    List<Value> next = cell.next(loop.e, loop.element(contributions, now), inside, w.in(loop));
    next.forEach(loop::next);
    loop.out(next.getFirst());
    var results = new ArrayList<>(loop.close(time));
    Value all = results.removeLast();
    results.add(backwards ? e.slice(all, 0, time.minus(1), time, -1) : all);
    return results;
  }

  private static void cell(Call c, Cell cell, boolean hasCell) {
    var w = new Weights(c.tensor("w_ih"), c.tensor("w_hh"), c.optional("b_ih"), c.optional("b_hh"), null);
    List<Value> states = hasCell ? c.tensors("hx") : List.of(c.tensor("hx"));
    List<Value> next = cell.next(c.e, c.e.linear(c.tensor("input"), w.input, w.inputBias), states, w);
    for (int i = 0; i < next.size(); i++) {
      c.set(i, next.get(i));
    }
  }
}
