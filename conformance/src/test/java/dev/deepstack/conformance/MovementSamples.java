package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// Views, concatenation and padding.
final class MovementSamples {
  private static final List<DType> WIDTHS = List.of(DType.BOOL, DType.BF16, DType.F32, DType.I64, DType.F8E4M3);

  private MovementSamples() {}

  static Stream<Sample> all() {
    return Stream.of(reshapes(), permutes(), expands(), slices(), concats(), pads(), chains()).flatMap(s -> s);
  }

  private static Stream<Sample> reshapes() {
    String[][] shapes = {
      {"[6,5]", "[3,10]"}, {"[1]", "[]"}, {"[]", "[1,1]"}, {"[0,3]", "[7,0]"}, {"[s,4]", "[2,s,2]"}, {"[s,t]", "[s*t]"},
      {"[2,s]", "[2*s]"}
    };
    return Stream.of(shapes).map(s -> {
      var d = new Draft("reshape/" + s[0] + s[1]).exact();
      return d.done(d.graph().add(new Op.Reshape(d.input(DType.F32, s[0]), d.parse(s[1]))));
    });
  }

  private static Stream<Sample> permutes() {
    Stream<Sample> widths = WIDTHS.stream().map(dtype -> permute(dtype, "[17,33]", 1, 0));
    return Stream.concat(widths, Stream.of(
        permute(DType.F32, "[]"),
        permute(DType.F32, "[7]", 0),
        permute(DType.F32, "[2,3,5]", 2, 0, 1),
        permute(DType.F32, "[2,3,5,7]", 0, 2, 1, 3),
        permute(DType.F32, "[s,1,t]", 2, 1, 0),
        permute(DType.F32, "[3,0]", 1, 0)));
  }

  private static Sample permute(DType dtype, String shape, Integer... axes) {
    var d = new Draft("permute/" + dtype.text() + shape + Arrays.toString(axes)).exact();
    return d.done(d.graph().add(new Op.Permute(d.input(dtype, shape), List.of(axes))));
  }

  private static Stream<Sample> expands() {
    String[][] shapes = {
      {"[]", "[5]"}, {"[1]", "[3,17]"}, {"[3,1]", "[3,31]"}, {"[1,5]", "[2,7,5]"}, {"[s,1]", "[s,t]"}, {"[1]", "[0]"},
      {"[7]", "[7]"}
    };
    return Stream.of(shapes).flatMap(s -> Stream.of(DType.F32, DType.BOOL).map(dtype -> {
      var d = new Draft("expand/" + dtype.text() + s[0] + s[1]).exact();
      if (s[1].contains("t")) {
        d.input(DType.F32, "[t]");
      }
      return d.done(d.graph().add(new Op.Expand(d.input(dtype, s[0]), d.parse(s[1]))));
    }));
  }

  private static Stream<Sample> slices() {
    Stream<Sample> widths = WIDTHS.stream().map(dtype -> slice(dtype, "[5,17]", 1, "3", "11", 1));
    return Stream.concat(widths, Stream.of(
        slice(DType.F32, "[17]", 0, "1", "8", 2),
        slice(DType.F32, "[17]", 0, "16", "17", -1),
        slice(DType.F32, "[17,3]", 0, "15", "5", -3),
        slice(DType.F32, "[5]", 0, "5", "0", 1),
        slice(DType.F32, "[0,2]", 0, "0", "0", 1),
        slice(DType.F32, "[s]", 0, "s-1", "1", 1),
        slice(DType.F32, "[3,s]", 1, "1", "s-1", 1),
        slice(DType.F32, "[3,2*s]", 1, "s", "s", 1),
        slice(DType.F32, "[2*s,3]", 0, "0", "s", 2),
        slice(DType.F32, "[2,3,7]", 2, "6", "1", 1)));
  }

  private static Sample slice(DType dtype, String shape, int axis, String start, String size, long step) {
    var d = new Draft("slice/" + dtype.text() + shape + " " + axis + " " + start + " " + size + " " + step).exact();
    return d.done(d.graph().add(new Op.Slice(d.input(dtype, shape), axis, d.dim(start), d.dim(size), step)));
  }

  private static Stream<Sample> concats() {
    Stream<Sample> widths = WIDTHS.stream().map(dtype -> concat(dtype, 1, "[3,5]", "[3,1]", "[3,17]"));
    return Stream.concat(widths, Stream.of(
        concat(DType.F32, 0, "[7]"),
        concat(DType.F32, 0, "[0]", "[3]", "[0]"),
        concat(DType.F32, 0, "[2,3]", "[s,3]"),
        concat(DType.F32, 2, "[2,3,s]", "[2,3,t]", "[2,3,1]"),
        concat(DType.F32, 1, "[2,0,5]", "[2,0,5]")));
  }

  private static Sample concat(DType dtype, int axis, String... shapes) {
    var d = new Draft("concat/" + dtype.text() + String.join("", shapes) + " " + axis).exact();
    return d.done(d.graph().add(new Op.Concat(Stream.of(shapes).map(s -> d.input(dtype, s)).toList(), axis)));
  }

  private static Stream<Sample> pads() {
    Stream<Sample> widths = WIDTHS.stream().map(dtype -> pad(dtype, "[3,5]", "[1,0]", "[0,2]", 1));
    return Stream.concat(widths, Stream.of(
        pad(DType.F32, "[]", "[]", "[]", 1),
        pad(DType.F32, "[0]", "[2]", "[1]", -3),
        pad(DType.F32, "[s,3]", "[1,0]", "[0,1]", Double.NEGATIVE_INFINITY),
        pad(DType.F32, "[s]", "[0]", "[s]", 0),
        pad(DType.F32, "[2,3,5]", "[0,1,2]", "[2,1,0]", 0.1)));
  }

  private static Sample pad(DType dtype, String shape, String low, String high, double value) {
    var d = new Draft("pad/" + dtype.text() + shape + low + high).exact();
    List<Dim> lows = d.parse(low).dims();
    return d.done(d.graph().add(new Op.Pad(d.input(dtype, shape), lows, d.parse(high).dims(), value)));
  }

  /// Views of views, read by arithmetic.
  private static Stream<Sample> chains() {
    var d = new Draft("permute/chain");
    Value x = d.input(DType.F32, "[s,6]");
    Value split = d.graph().add(new Op.Reshape(x, d.parse("[s,2,3]")));
    Value turned = d.graph().add(new Op.Permute(split, List.of(1, 0, 2)));
    Value part = d.graph().add(new Op.Slice(turned, 2, Dim.of(2), Dim.of(2), -1));
    Value wide = d.graph().add(new Op.Expand(part, d.parse("[5,2,s,2]")));
    Value flat = d.graph().add(new Op.Reshape(wide, d.parse("[5,4*s]")));
    return Stream.of(d.result(flat).done(d.graph().add(new Op.Neg(wide))));
  }
}
