package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/// Windows and convolutions.
final class WindowSamples {
  /// More products than this have a sum of tens, of which another order changes the sixth digit.
  private static final long LONG_SUM = 2000;

  private WindowSamples() {}

  static Stream<Sample> all() {
    return Stream.of(windows(), pools(), geometries(), tiles(), channels(), dtypes(), symbols(), weights(), epilogues())
        .flatMap(s -> s);
  }

  private static Stream<Sample> windows() {
    return Stream.of(
        windows(DType.F32, "[17]", 0, "5", 3, 3, 2),
        windows(DType.BF16, "[7,33]", 1, "15", 4, 2, 1),
        windows(DType.BOOL, "[7,3]", 0, "1", 7, 1, 1),
        windows(DType.I64, "[2,5,3]", 1, "3", 1, 2, 1),
        windows(DType.F32, "[5,0]", 0, "2", 2, 3, 1),
        windows(DType.F32, "[5,3]", 0, "0", 2, 3, 1),
        windows(DType.F32, "[s,3]", 0, "s-2", 3, 1, 1),
        windows(DType.F8E4M3, "[2*s]", 0, "s", 2, 2, 1));
  }

  private static Sample windows(
      DType dtype, String x, int axis, String count, long size, long step, long dilation) {
    var d = new Draft("windows/" + dtype.text() + x + " " + axis + " " + count + " " + size + step + dilation).exact();
    return d.done(d.graph().add(new Op.Windows(d.input(dtype, x), axis, d.dim(count), size, step, dilation)));
  }

  private static Stream<Sample> pools() {
    return Stream.of(pool("[2,13,13,5]", true), pool("[1,7,9,33]", false), pool("[0,5,5,3]", true));
  }

  private static Sample pool(String shape, boolean max) {
    var d = new Draft("windows/pool " + shape + max);
    Value x = d.input(DType.F32, shape);
    Dim rows = x.type().dim(1).minus(1).floorDiv(2);
    Dim columns = x.type().dim(2).minus(2);
    Value y = d.graph().add(new Op.Windows(x, 1, rows, 3, 2, 1));
    y = d.graph().add(new Op.Windows(y, 3, columns, 3, 1, 1));
    var taps = List.of(2, 4);
    return d.done(d.graph().add(max ? new Op.ReduceMax(y, taps, false) : new Op.ReduceSum(y, taps, false)));
  }

  /// Attributes of one axis: step, distance, zeros before and after.
  private record Geometry(int stride, int dilation, int low, int high) {}

  private static Stream<Sample> geometries() {
    return Stream.of(
        sample("[1,7,9,5]", "[3,3,3,5]", 1, new Geometry(1, 1, 1, 1)),
        sample("[2,13,11,3]", "[17,5,3,3]", 1, new Geometry(2, 1, 2, 1)),
        sample("[1,9,9,16]", "[33,3,3,16]", 1, new Geometry(1, 2, 2, 2)),
        sample("[1,8,9,7]", "[16,2,3,7]", 1, new Geometry(3, 2, 0, 4)),
        sample("[1,9,9,5]", "[3,3,3,5]", 1, new Geometry(1, 1, -1, 2)),
        sample("[3,5,5,4]", "[8,1,1,4]", 1, new Geometry(1, 1, 0, 0)),
        sample("[3,5,5,4]", "[8,1,1,4]", 1, new Geometry(2, 1, 0, 0)),
        sample("[1,5,7,2]", "[1,5,7,2]", 1, new Geometry(1, 1, 0, 0)),
        sample("[1,1,1,300]", "[5,3,3,300]", 1, new Geometry(1, 1, 1, 1)),
        sample("[0,5,5,4]", "[8,3,3,4]", 1, new Geometry(1, 1, 1, 1)),
        sample("[1,14,15,31]", "[130,3,3,31]", 1, new Geometry(1, 1, 1, 1)),
        sample("[2,17,5]", "[7,3,5]", 1, new Geometry(1, 4, 8, 0)),
        sample("[2,17,1]", "[7,5,1]", 1, new Geometry(2, 1, 2, 2)),
        sample("[1,5,7,6,3]", "[9,3,2,3,3]", 1, new Geometry(2, 1, 1, 1)));
  }

  /// Windows of 3 x 3 one after another with many channels, which are computed in tiles of 2 x 2 results.
  private static Stream<Sample> tiles() {
    var same = new Geometry(1, 1, 1, 1);
    return Stream.of(
        sample("[1,7,9,17]", "[33,3,3,17]", 1, same),
        sample("[2,3,4,16]", "[16,3,3,16]", 1, same),
        sample("[0,5,5,16]", "[16,3,3,16]", 1, same),
        sample("[1,37,31,19]", "[47,3,3,19]", 1, same),
        sample("[3,6,5,300]", "[17,3,3,300]", 1, same),
        sample("[1,5,6,32]", "[64,3,3,32]", 1, new Geometry(1, 1, 0, 0)),
        sample("[1,4,5,31]", "[16,3,3,31]", 1, new Geometry(1, 1, 3, 2)),
        sample("[1,9,8,16]", "[18,3,3,16]", 1, new Geometry(1, 1, -1, 1)),
        sample("[s,t,5,16]", "[31,3,3,16]", 1, same));
  }

  private static Stream<Sample> channels() {
    return Stream.of(
        sample("[1,7,7,6]", "[4,3,3,3]", 2, new Geometry(1, 1, 1, 1)),
        sample("[2,7,5,33]", "[33,3,3,1]", 33, new Geometry(1, 1, 1, 1)),
        sample("[1,9,9,5]", "[5,3,5,1]", 5, new Geometry(2, 2, 4, 3)),
        sample("[1,9,4]", "[8,3,1]", 4, new Geometry(1, 1, 1, 1)),
        sample("[1,31,16]", "[16,7,1]", 16, new Geometry(1, 1, 3, 3)));
  }

  private static Sample sample(String x, String w, int groups, Geometry g) {
    return sample(DType.F32, DType.F32, x, w, groups, g);
  }

  private static Sample sample(DType dtype, DType stored, String x, String w, int groups, Geometry g) {
    var d = new Draft("convolution/" + dtype.text() + x + stored.text() + w + " " + groups + g);
    Value image = d.input(dtype, x);
    Value taps = d.weight(stored, w);
    if (stored != dtype) {
      d.tolerance(1e-5, 1e-5);
    } else if (taps.type().shape().elements().floorDiv(taps.type().dim(0)).constant() > LONG_SUM) {
      d.tolerance(5e-5, 1e-5);
    }
    return d.done(d.graph().add(convolution(image, taps, groups, g)));
  }

  private static Op convolution(Value x, Value w, int groups, Geometry g) {
    int space = x.type().rank() - 2;
    return new Op.Convolution(x, w, Collections.nCopies(space, g.stride), Collections.nCopies(space, g.dilation),
        Collections.nCopies(space, g.low), Collections.nCopies(space, g.high), groups);
  }

  private static Stream<Sample> dtypes() {
    var same = new Geometry(1, 1, 1, 1);
    return Stream.of(
        sample(DType.BF16, DType.BF16, "[1,5,7,5]", "[17,3,3,5]", 1, same),
        sample(DType.F16, DType.F16, "[1,5,7,5]", "[17,3,3,5]", 1, same),
        sample(DType.F64, DType.F64, "[1,5,7,5]", "[3,3,3,5]", 1, same),
        sample(DType.F32, DType.BF16, "[1,5,7,5]", "[17,3,3,5]", 1, same),
        sample(DType.F32, DType.F16, "[1,5,7,6]", "[17,3,3,6]", 1, same),
        sample(DType.BF16, DType.BF16, "[1,5,7,5]", "[5,3,3,1]", 5, same));
  }

  private static Stream<Sample> symbols() {
    return Stream.of(
        sample("[s,5,5,4]", "[8,3,3,4]", 1, new Geometry(1, 1, 1, 1)),
        sample("[1,s,t,4]", "[8,3,3,4]", 1, new Geometry(2, 1, 1, 1)),
        sample("[t,s,4]", "[8,3,4]", 1, new Geometry(1, 2, 4, 0)),
        sample("[t,2*s,8]", "[8,3,1]", 8, new Geometry(1, 1, 1, 1)));
  }

  /// Weights as PyTorch stores them, those of a transposed convolution, and those that are no weights.
  private static Stream<Sample> weights() {
    var same = new Geometry(1, 1, 1, 1);
    var stored = new Draft("convolution/weight [o,c,k,k]");
    Value x = stored.input(DType.F32, "[2,7,5,6]");
    Value w = stored.graph().add(new Op.Permute(stored.weight(DType.F32, "[17,6,3,3]"), List.of(0, 2, 3, 1)));
    var turned = new Draft("convolution/weight [c,o,k,k] reversed");
    Value y = turned.input(DType.F32, "[2,7,5,6]");
    Value v = turned.weight(DType.F32, "[6,17,3,3]");
    for (int axis = 2; axis < 4; axis++) {
      v = turned.graph().add(new Op.Slice(v, axis, Dim.of(2), Dim.of(3), -1));
    }
    v = turned.graph().add(new Op.Permute(v, List.of(1, 2, 3, 0)));
    var computed = new Draft("convolution/computed weight");
    Value z = computed.input(DType.F32, "[2,7,5,6]");
    Value u = computed.input(DType.F32, "[4,3,3,6]");
    return Stream.of(
        stored.done(stored.graph().add(convolution(x, w, 1, same))),
        turned.done(turned.graph().add(convolution(y, v, 1, same))),
        computed.done(computed.graph().add(convolution(z, u, 1, same))));
  }

  /// Scale, shift, residual and activation behind a convolution, and an image with its channels first.
  private static Stream<Sample> epilogues() {
    var samples = new ArrayList<Sample>();
    for (String shape : List.of("[1,16,7,9]", "[2,5,3,1]", "[s,3,5,5]", "[s,17,11,13]")) {
      var d = new Draft("convolution/epilogue " + shape);
      var g = d.graph();
      Value first = d.input(DType.F32, shape);
      Value x = g.add(new Op.Permute(first, List.of(0, 2, 3, 1)));
      String c = x.type().dim(-1).toString();
      Value w = d.weight(DType.F32, "[" + c + ",3,3," + c + "]");
      Value y = g.add(convolution(x, w, 1, new Geometry(1, 1, 1, 1)));
      y = g.add(new Op.Mul(y, d.weight(DType.F32, "[" + c + "]")));
      y = g.add(new Op.Add(y, d.weight(DType.F32, "[" + c + "]")));
      y = g.add(new Op.Add(y, x));
      samples.add(d.done(g.add(new Op.Max(y, g.constant(0, y)))));
    }
    return samples.stream();
  }
}
