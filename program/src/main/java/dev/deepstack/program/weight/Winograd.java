package dev.deepstack.program.weight;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Winograd's F(2 x 2, 3 x 3): four neighbouring results of a 3 x 3 window from 16 products instead of 36 for each
/// channel, `Aᵀ [(G g Gᵀ) ∘ (Bᵀ d B)] A`. The weights `g` are transformed once, when they are packed.
public final class Winograd {
  /// Taps of a window.
  public static final int TAPS = 9;
  /// Products of a tile, each the sum over all channels at one place of the transformed weights.
  public static final int PLACES = 16;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private Winograd() {}

  /// `G g Gᵀ` with `G = [1 0 0; ½ ½ ½; ½ -½ ½; 0 0 1]`, computed in f64.
  ///
  /// @param taps f32 `[rows, 3, 3, channels]`
  /// @param places f32 `[rows, 4, 4, channels]`
  public static void transform(MemorySegment taps, MemorySegment places, long rows, long channels) {
    var g = new double[TAPS];
    var half = new double[12]; // G g, [4, 3]
    for (long row = 0; row < rows; row++) {
      for (long c = 0; c < channels; c++) {
        for (int t = 0; t < TAPS; t++) {
          g[t] = taps.get(FLOAT, ((row * TAPS + t) * channels + c) * Float.BYTES);
        }
        for (int x = 0; x < 3; x++) {
          spread(g, x, 3, half, x, 3);
        }
        var all = new double[PLACES];
        for (int y = 0; y < 4; y++) {
          spread(half, y * 3, 1, all, y * 4, 1);
        }
        for (int p = 0; p < PLACES; p++) {
          places.set(FLOAT, ((row * PLACES + p) * channels + c) * Float.BYTES, (float) all[p]);
        }
      }
    }
  }

  /// `G` times a column of three.
  private static void spread(double[] from, int at, int step, double[] to, int first, int toStep) {
    double a = from[at];
    double b = from[at + step];
    double c = from[at + 2 * step];
    to[first] = a;
    to[first + toStep] = (a + b + c) / 2;
    to[first + 2 * toStep] = (a - b + c) / 2;
    to[first + 3 * toStep] = c;
  }
}
