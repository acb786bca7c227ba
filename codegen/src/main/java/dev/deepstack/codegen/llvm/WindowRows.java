package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;

/// Rows that are the windows of a convolution, gathered run by run: channels lie side by side, and where the taps of
/// the last spatial axis are neighbours a whole line of a window is one run. What lies outside of `x` is zero.
final class WindowRows implements RowSource {
  private final Fn f;
  private final KernelCode code;
  private final Kernel.Convolution kernel;
  private final Op.Convolution op;
  private final int space;
  private final long channels;
  private final boolean lines;
  private final String origins;
  private final String starts;

  WindowRows(KernelCode code, Kernel.Convolution kernel) {
    this.code = code;
    this.kernel = kernel;
    f = code.f;
    op = kernel.op();
    space = op.strides().size();
    channels = op.w().type().dim(-1).constant();
    lines = op.dilations().getLast() == 1 && kernel.x().strides().get(space).is(channels);
    origins = f.local("i64", Tuning.BLOCK_ROWS);
    starts = f.local("i64", (long) Tuning.BLOCK_ROWS * space);
  }

  private Dim stride(int axis) {
    return kernel.x().strides().get(axis + 1);
  }

  private long size(int axis) {
    return op.w().type().dim(axis + 1).constant();
  }

  private boolean isPadded() {
    return op.low().stream().anyMatch(p -> p > 0) || op.high().stream().anyMatch(p -> p > 0);
  }

  /// Of each row the address of its first tap, which may lie outside, and that tap's place on every axis.
  @Override
  public void begin(String first, String count) {
    List<Dim> positions = kernel.product().type().shape().dims();
    f.loop("0", count, 1, i -> {
      String rest = f.add(first, i);
      String origin = code.index(kernel.x().offset());
      for (int axis = space - 1; axis >= 0; axis--) {
        String extent = code.index(positions.get(axis + 1));
        String at = f.binary("urem", rest, extent);
        rest = f.binary("udiv", rest, extent);
        String start = f.add(f.mul(at, op.strides().get(axis)), -op.low().get(axis));
        f.store(start, f.at(starts, "i64", f.add(f.mul(i, space), axis)));
        origin = f.add(f.mul(start, code.index(stride(axis))), origin);
      }
      origin = f.add(f.mul(rest, code.index(kernel.x().strides().get(0))), origin);
      f.store(origin, f.at(origins, "i64", i));
    });
  }

  @Override
  public void copy(String i, String k, String depth, String to) {
    int outer = lines ? space - 1 : space;
    long run = lines ? size(space - 1) * channels : channels;
    String end = f.add(k, depth);
    String origin = f.load("i64", f.at(origins, "i64", i));
    var begins = new ArrayList<String>();
    for (int axis = 0; axis < space; axis++) {
      begins.add(f.load("i64", f.at(starts, "i64", f.add(f.mul(i, space), axis))));
    }
    f.loop(f.div(k, run), f.div(f.add(end, run - 1), run), 1, t -> {
      String base = f.sub(f.mul(t, run), k);
      String low = f.max(f.sub("0", base), "0");
      String high = f.min(f.sub(depth, base), Long.toString(run));
      String rest = t;
      String from = origin;
      String inside = "true";
      for (int axis = outer - 1; axis >= 0; axis--) {
        String tap = f.mul(axis == 0 ? rest : f.mod(rest, size(axis)), op.dilations().get(axis));
        rest = axis == 0 ? rest : f.div(rest, size(axis));
        from = f.add(f.mul(tap, code.index(stride(axis))), from);
        String here = f.icmp("ult", f.add(begins.get(axis), tap), code.index(kernel.x().shape().dim(axis + 1)));
        inside = inside.equals("true") ? here : f.binary("and", inside, here);
      }
      String source = f.at(code.buffer(kernel.x().buffer()), "float", from);
      String target = f.at(to, "float", base);
      if (isPadded()) {
        padded(source, target, low, high, inside, begins.getLast());
      } else {
        RowSource.copy(f, source, target, low, high);
      }
    });
  }

  /// Copies the part of the run that lies inside, with zeros around it.
  private void padded(String source, String target, String low, String high, String inside, String start) {
    String first = low;
    String last = high;
    if (lines) {
      long size = size(space - 1);
      String extent = code.index(kernel.x().shape().dim(space));
      String before = f.min(f.max(f.sub("0", start), "0"), Long.toString(size));
      String after = f.min(f.max(f.sub(extent, start), "0"), Long.toString(size));
      first = f.min(f.max(low, f.mul(before, channels)), high);
      last = f.max(f.min(high, f.mul(after, channels)), first);
    }
    if (!inside.equals("true")) {
      first = f.select(inside, first, high);
      last = f.select(inside, last, high);
    }
    zero(target, low, first);
    RowSource.copy(f, source, target, first, last);
    zero(target, last, high);
  }

  private void zero(String target, String begin, String end) {
    Vec.over(f, begin, end, code.lanes,
        (j, lanes) -> f.store(Vec.zero(f, "float", lanes), f.at(target, "float", j)));
  }
}
