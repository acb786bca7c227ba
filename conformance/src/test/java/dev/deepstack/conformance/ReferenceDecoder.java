package dev.deepstack.conformance;

import dev.deepstack.cli.verify.DecoderDriver;
import dev.deepstack.cli.verify.DecoderReference;
import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.models.graph.DecoderGraph;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.Arena;

/// One sequence through a decoder's graph on the interpreter, over a cache whose pages lie in reverse order.
final class ReferenceDecoder {
  private static final int PAGE = 8;

  private final DecoderDriver driver;

  /// @param length tokens that the sequence may have
  ReferenceDecoder(ImportedDecoder decoder, int length, Arena arena) {
    long slots = (long) Math.ceilDiv(length, PAGE) * PAGE;
    var engine = new DecoderReference(decoder, new DecoderGraph.Options(DType.F32, PAGE), slots, arena);
    driver = new DecoderDriver(engine, 1, PAGE, slots);
  }

  /// Logits `[tokens, vocab]` of further tokens, in one step.
  float[][] step(long... tokens) {
    return rows(driver.append(tokens));
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
