package dev.deepstack.models.graph;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.RopeSpec;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Rotary positions: cos and sin once per step for each kind of rotation, shared by the layers that turn alike.
final class Rotations {
  /// What the names of frequencies begin with.
  static final String PREFIX = "rope.";

  private record Angles(Value cos, Value sin) {}

  private final Graph g;
  private final DecoderSpec spec;
  private final Value positions;
  private final Map<RopeSpec, Angles> known = new HashMap<>();

  Rotations(Graph g, DecoderSpec spec, Value positions) {
    this.g = g;
    this.spec = spec;
    this.positions = positions;
  }

  /// The rotations of all layers, each once.
  static List<RopeSpec> distinct(DecoderSpec spec) {
    return spec.layers().stream().map(l -> l.attention().rope()).distinct().filter(r -> r.dims() > 0).toList();
  }

  /// The name of a rotation's frequencies.
  static String name(DecoderSpec spec, RopeSpec rope) {
    return PREFIX + distinct(spec).indexOf(rope) + ".frequencies";
  }

  /// x `[T,heads,d]` turned by each token's position.
  Value turn(RopeSpec rope, Value x) {
    if (rope.dims() == 0) {
      return x;
    }
    Angles angles = known.computeIfAbsent(rope, this::angles);
    Dim width = x.type().dim(2);
    Dim turned = Dim.of(rope.dims());
    if (width.equals(turned)) {
      return g.add(new Op.Rope(x, angles.cos, angles.sin, rope.layout()));
    }
    Dim rest = width.minus(turned);
    Dim start = rope.last() ? rest : Dim.ZERO;
    Value part = g.add(new Op.Slice(x, 2, start, turned, 1));
    Value still = g.add(new Op.Slice(x, 2, rope.last() ? Dim.ZERO : turned, rest, 1));
    Value done = g.add(new Op.Rope(part, angles.cos, angles.sin, rope.layout()));
    return g.add(new Op.Concat(rope.last() ? List.of(still, done) : List.of(done, still), 2));
  }

  private Angles angles(RopeSpec rope) {
    Dim t = positions.type().dim(0);
    Dim pairs = Dim.of(rope.dims() / 2);
    Value frequencies = g.weight(name(spec, rope), new TensorType(DType.F32, Shape.of(pairs)));
    Value column = g.add(new Op.Reshape(g.cast(positions, DType.F32), Shape.of(t, Dim.ONE)));
    Value angle = g.add(new Op.Mul(column, frequencies));
    return new Angles(wave(rope, new Op.Cos(angle), t, pairs), wave(rope, new Op.Sin(angle), t, pairs));
  }

  /// `[T,1,width]` as the layout wants it.
  private Value wave(RopeSpec rope, Op wave, Dim t, Dim pairs) {
    Value v = g.add(wave);
    double amplitude = rope.scaling().amplitude();
    if (amplitude != 1) {
      v = g.add(new Op.Mul(v, g.constant(amplitude, v)));
    }
    if (rope.layout() == Op.RopeLayout.HALVES) {
      v = g.add(new Op.Concat(List.of(v, v), 1));
      pairs = pairs.times(2);
    }
    return g.add(new Op.Reshape(v, Shape.of(t, Dim.ONE, pairs)));
  }
}
