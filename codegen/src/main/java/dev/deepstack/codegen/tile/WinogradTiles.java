package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Op;
import dev.deepstack.program.weight.Winograd;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import org.jspecify.annotations.Nullable;

/// How a convolution by [Winograd] lays out a thread's scratch: a block of tiles, each 2 x 2 results, at a time.
/// Offsets count floats; each part begins on a cache line.
///
/// @param channels of the image
public record WinogradTiles(int channels) {
  /// Multiply-adds of a result and a channel.
  static final int PRODUCTS = 4;

  /// The widest vector of any target.
  private static final int LANES_MAX = 16;
  /// Fewer channels on either side leave more work in the transforms than the products save.
  private static final int CHANNELS_MIN = 16;
  /// Transformed images of about this many floats stay in the second-level cache.
  private static final int BLOCK_FLOATS = 128 << 10;
  private static final int TILES_MAX = 96;
  private static final int TILES_STEP = 8;

  /// The tiles of a convolution, or null where all taps must be multiplied.
  static @Nullable WinogradTiles of(Op.Convolution c) {
    Shape w = c.w().type().shape();
    boolean fits = w.rank() == 4 && w.dim(1).is(3) && w.dim(2).is(3) && c.groups() == 1
        && c.w().type().dtype() == DType.F32 && isEach(c.strides()) && isEach(c.dilations())
        && w.dim(0).constant() >= CHANNELS_MIN && w.dim(3).constant() >= CHANNELS_MIN
        && isTall(c.infer().shape().dim(1)) && isTall(c.infer().shape().dim(2));
    return fits ? new WinogradTiles(Math.toIntExact(w.dim(3).constant())) : null;
  }

  private static boolean isEach(java.util.List<Integer> steps) {
    return steps.stream().allMatch(s -> s == 1);
  }

  /// Whether most results of a tile are wanted.
  private static boolean isTall(Dim extent) {
    return !extent.isConstant() || extent.constant() > 2;
  }

  /// Tiles of a block.
  public int tiles() {
    int most = BLOCK_FLOATS / (Winograd.PLACES * channels) / TILES_STEP * TILES_STEP;
    return Math.max(TILES_STEP, Math.min(most, TILES_MAX));
  }

  /// Distance of tiles in a place of the transformed image: more than a power of two.
  public int stride() {
    return (channels + LANES_MAX - 1) / LANES_MAX * LANES_MAX + LANES_MAX;
  }

  /// The transformed image, `[PLACES, tiles, stride]`.
  public int image() {
    return 0;
  }

  /// Products with two panels of weights, `[2, PLACES, tiles, lanes]`.
  public int products() {
    return image() + Winograd.PLACES * tiles() * stride();
  }

  /// A pixel outside of the image, `[channels]`.
  public int zeros() {
    return products() + 2 * Winograd.PLACES * tiles() * LANES_MAX;
  }

  /// All of a thread's scratch.
  public int floats() {
    return zeros() + stride();
  }
}
