package dev.deepstack.cli.verify;

import dev.deepstack.tensor.HostTensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Feeds tokens of several sequences to a decoder's step; see [dev.deepstack.models.graph.DecoderGraph] for its inputs.
///
/// Sequences take their pages in turn and from the last on, so that no engine gets by with pages in order.
public final class DecoderDriver {
  private final Engine engine;
  private final int pageSlots;
  private final List<List<Long>> pages = new ArrayList<>();
  private final long[] lengths;
  private long free;

  /// @param slots cache slots in all
  public DecoderDriver(Engine engine, int sequences, int pageSlots, long slots) {
    this.engine = engine;
    this.pageSlots = pageSlots;
    free = slots / pageSlots;
    lengths = new long[sequences];
    for (int i = 0; i < sequences; i++) {
      pages.add(new ArrayList<>());
    }
    engine.reset();
  }

  /// Appends tokens to the first sequence.
  ///
  /// @return `f32[tokens,vocab]`
  public HostTensor append(long... tokens) {
    var next = new ArrayList<long[]>();
    next.add(tokens);
    for (int i = 1; i < lengths.length; i++) {
      next.add(new long[0]);
    }
    return append(next);
  }

  /// Appends tokens to each sequence, none for those that rest.
  ///
  /// @return logits of all tokens in order, `f32[tokens,vocab]`
  public HostTensor append(List<long[]> next) {
    int count = next.stream().mapToInt(t -> t.length).sum();
    var tokens = new long[count];
    var positions = new long[count];
    var sequences = new long[count];
    var slots = new long[count];
    var select = new long[count];
    int at = 0;
    for (int b = 0; b < next.size(); b++) {
      for (long token : next.get(b)) {
        tokens[at] = token;
        positions[at] = lengths[b];
        sequences[at] = b;
        slots[at] = slot(b, lengths[b]++);
        select[at] = at++;
      }
    }
    var inputs = new LinkedHashMap<String, HostTensor>();
    inputs.put("tokens", HostTensor.of(tokens, count));
    inputs.put("positions", HostTensor.of(positions, count));
    inputs.put("sequences", HostTensor.of(sequences, count));
    inputs.put("slots", HostTensor.of(slots, count));
    inputs.put("pages", pages());
    inputs.put("select", HostTensor.of(select, count));
    Map<String, HostTensor> results = engine.step(inputs).results();
    return java.util.Objects.requireNonNull(results.get("logits"), "a decoder's step gives logits");
  }

  private long slot(int sequence, long position) {
    List<Long> own = pages.get(sequence);
    if (position / pageSlots == own.size()) {
      own.add(--free);
    }
    return own.get((int) (position / pageSlots)) * pageSlots + position % pageSlots;
  }

  private HostTensor pages() {
    int most = Math.max(1, pages.stream().mapToInt(List::size).max().orElse(1));
    var table = new long[pages.size() * most];
    for (int b = 0; b < pages.size(); b++) {
      for (int i = 0; i < pages.get(b).size(); i++) {
        table[b * most + i] = pages.get(b).get(i);
      }
    }
    return HostTensor.of(table, pages.size(), most);
  }
}
