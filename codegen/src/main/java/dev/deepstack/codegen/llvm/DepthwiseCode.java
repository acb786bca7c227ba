package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.ir.Op;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;

/// Convolutions of each channel by itself: at every position the taps' pixels are found once, then vectors of channels
/// go through them; what follows element by element is done before the sums are stored. The weights' panels hold a line
/// of channels for each tap.
final class DepthwiseCode {
  private final KernelCode code;
  private final Fn f;
  private final Kernel.DepthwiseConvolution kernel;
  private final Op.Convolution op;
  private final int space;
  private final long channels;
  private final List<int[]> taps = new ArrayList<>();

  DepthwiseCode(KernelCode code, Kernel.DepthwiseConvolution kernel) {
    this.code = code;
    this.kernel = kernel;
    f = code.f;
    op = kernel.op();
    space = op.strides().size();
    channels = op.w().type().dim(0).constant();
    taps(new int[space], 0);
  }

  private void taps(int[] tap, int axis) {
    if (axis == space) {
      taps.add(tap.clone());
      return;
    }
    for (int t = 0; t < op.w().type().dim(axis + 1).constant(); t++) {
      tap[axis] = t;
      taps(tap, axis + 1);
    }
  }

  void emit() {
    String zeros = isPadded() ? zeros() : "";
    String[] part = code.share(code.index(kernel.out().shape().dim(0)));
    f.loop(part[0], part[1], 1, row -> {
      List<String> pixels = pixels(row, zeros);
      Vec.over(f, "0", Long.toString(channels), code.lanes, (c, lanes) -> LinearCode.store(
          code, kernel.product(), kernel.root(), kernel.out(), sum(pixels, c, lanes), row, c, lanes));
    });
  }

  private boolean isPadded() {
    return op.low().stream().anyMatch(p -> p > 0) || op.high().stream().anyMatch(p -> p > 0);
  }

  /// The channels of a pixel outside of the image.
  private String zeros() {
    String zeros = f.local("float", channels);
    Vec.over(f, "0", Long.toString(channels), code.lanes,
        (c, lanes) -> f.store(Vec.zero(f, "float", lanes), f.at(zeros, "float", c)));
    return zeros;
  }

  /// Where the channels of each tap's pixel lie.
  private List<String> pixels(String row, String zeros) {
    var x = kernel.x();
    List<Dim> positions = kernel.product().type().shape().dims();
    var offsets = new ArrayList<List<String>>();
    var inside = new ArrayList<List<String>>();
    String rest = row;
    for (int axis = space - 1; axis >= 0; axis--) {
      String extent = code.index(positions.get(axis + 1));
      String first = f.add(f.mul(f.binary("urem", rest, extent), op.strides().get(axis)), -op.low().get(axis));
      rest = f.binary("udiv", rest, extent);
      var along = new ArrayList<String>();
      var here = new ArrayList<String>();
      for (int t = 0; t < op.w().type().dim(axis + 1).constant(); t++) {
        String at = f.add(first, (long) t * op.dilations().get(axis));
        along.add(f.mul(at, code.index(x.strides().get(axis + 1))));
        here.add(f.icmp("ult", at, code.index(x.shape().dim(axis + 1))));
      }
      offsets.addFirst(along);
      inside.addFirst(here);
    }
    String base = f.add(f.mul(rest, code.index(x.strides().get(0))), code.index(x.offset()));
    var pixels = new ArrayList<String>();
    for (int[] tap : taps) {
      String at = base;
      String here = "true";
      for (int axis = 0; axis < space; axis++) {
        at = f.add(at, offsets.get(axis).get(tap[axis]));
        String also = inside.get(axis).get(tap[axis]);
        here = axis == 0 ? also : f.binary("and", here, also);
      }
      String pixel = f.at(code.buffer(x.buffer()), "float", at);
      pixels.add(isPadded() ? f.select(here, pixel, zeros) : pixel);
    }
    return pixels;
  }

  private String sum(List<String> pixels, String c, int lanes) {
    var packing = new Packing(DType.F32, channels, pixels.size(), code.lanes);
    String type = lanes == 1 ? "float" : Fn.vector("float", lanes);
    String panel = f.at(code.buffer(kernel.weight()), "i8", f.mul(f.div(c, code.lanes), packing.panelBytes()));
    String line = f.at(panel, "float", f.mod(c, code.lanes));
    String sum = Vec.zero(f, "float", lanes);
    for (int t = 0; t < pixels.size(); t++) {
      String weight = f.load(type, f.at(line, "float", (long) t * code.lanes));
      sum = f.fma(f.load(type, f.at(pixels.get(t), "float", c)), weight, sum);
    }
    return sum;
  }
}
