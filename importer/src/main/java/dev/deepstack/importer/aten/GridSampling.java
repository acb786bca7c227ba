package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Shape;
import java.util.List;

/// Images read at positions that a grid gives, from -1 to 1 across each axis.
final class GridSampling {
  private GridSampling() {}

  static void add(Operators.Builder table) {
    table.aten("grid_sampler_2d grid_sampler", GridSampling::sample);
  }

  /// One axis of the image.
  private record Axis(Emit e, Dim extent, long padding, boolean corners) {
    Value size() {
      return e.dim(extent, DType.F32);
    }

    /// The place of a grid's number, in elements.
    Value place(Value number) {
      Value half = e.mul(e.add(number, 1), 0.5);
      Value at = corners ? e.mul(half, e.add(size(), -1)) : e.add(e.mul(half, size()), -0.5);
      return switch ((int) padding) {
        case 0 -> at;
        case 1 -> inside(at);
        default -> inside(reflected(at));
      };
    }

    private Value inside(Value at) {
      return e.of(new Op.Min(e.of(new Op.Max(at, e.constant(0, at))), e.add(size(), -1)));
    }

    /// Mirrored at the outer elements, or at their outer edges.
    private Value reflected(Value at) {
      double low = corners ? 0 : -0.5;
      Value span = corners ? e.add(size(), -1) : size();
      Value distance = e.of(new Op.Abs(e.add(at, -low)));
      Value safe = e.of(new Op.Max(span, e.constant(1, span)));
      Value turns = e.of(new Op.Floor(e.div(distance, safe)));
      Value rest = e.sub(distance, e.mul(turns, safe));
      Value odd = e.greater(e.of(new Op.Rem(turns, e.constant(2, turns))), 0.5);
      Value mirrored = e.add(e.select(odd, e.sub(safe, rest), rest), low);
      return e.select(e.greater(span, 0), mirrored, e.constant(0, at));
    }

    /// Whether the place is one of an element.
    Value holds(Value at) {
      return e.of(new Op.And(e.of(new Op.Ge(at, e.constant(0, at))), e.of(new Op.Lt(at, size()))));
    }

    Value index(Value at) {
      return e.cast(inside(at), DType.I64);
    }
  }

  private static void sample(Call c) {
    Emit e = c.e;
    Value x = c.tensor("input");
    Value grid = c.tensor("grid");
    if (x.type().rank() != 4 || x.type().dtype() != DType.F32) {
      throw new Refusal("images that are not f32[n,c,h,w]");
    }
    long mode = c.integer("interpolation_mode", 0);
    long padding = c.integer("padding_mode", 0);
    boolean corners = c.flag("align_corners", false);
    if (mode > 1) {
      throw new Refusal("cubic interpolation");
    }
    var rows = new Axis(e, x.type().dim(2), padding, corners);
    var columns = new Axis(e, x.type().dim(3), padding, corners);
    Value column = columns.place(coordinate(e, grid, 0));
    Value row = rows.place(coordinate(e, grid, 1));
    if (mode == 1) {
      c.set(tap(e, x, rows, columns, e.of(new Op.Round(row)), e.of(new Op.Round(column))));
      return;
    }
    Value top = e.of(new Op.Floor(row));
    Value left = e.of(new Op.Floor(column));
    Value down = e.sub(row, top);
    Value right = e.sub(column, left);
    Value up = e.sub(e.constant(1, down), down);
    Value back = e.sub(e.constant(1, right), right);
    Value sum = e.mul(tap(e, x, rows, columns, top, left), weight(e, up, back));
    sum = e.add(sum, e.mul(tap(e, x, rows, columns, top, e.add(left, 1)), weight(e, up, right)));
    sum = e.add(sum, e.mul(tap(e, x, rows, columns, e.add(top, 1), left), weight(e, down, back)));
    c.set(e.add(sum, e.mul(tap(e, x, rows, columns, e.add(top, 1), e.add(left, 1)), weight(e, down, right))));
  }

  private static Value coordinate(Emit e, Value grid, int which) {
    Value one = e.slice(grid, 3, Dim.of(which), Dim.ONE, 1);
    return e.reshape(one, grid.type().shape().dims().subList(0, 3));
  }

  private static Value weight(Emit e, Value a, Value b) {
    return e.unsqueeze(e.mul(a, b), 1);
  }

  /// The element at a place for every channel, 0 outside.
  private static Value tap(Emit e, Value x, Axis rows, Axis columns, Value row, Value column) {
    Shape image = x.type().shape();
    List<Dim> places = row.type().shape().dims();
    Dim count = places.get(1).times(places.get(2));
    Value at = e.add(e.mul(rows.index(row), e.dim(image.dim(3), DType.I64)), columns.index(column));
    Value flat = e.reshape(at, Shape.of(image.dim(0), Dim.ONE, count));
    Value index = e.expand(flat, Shape.of(image.dim(0), image.dim(1), count));
    Value lines = e.reshape(x, Shape.of(image.dim(0), image.dim(1), image.dim(2).times(image.dim(3))));
    Value taken = e.reshape(e.of(new Op.TakeAlong(lines, index, 2)),
        Shape.of(image.dim(0), image.dim(1), places.get(1), places.get(2)));
    Value held = e.unsqueeze(e.of(new Op.And(rows.holds(row), columns.holds(column))), 1);
    return e.select(held, taken, e.constant(0, taken));
  }
}
