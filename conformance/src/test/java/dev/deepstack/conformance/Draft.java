package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import dev.deepstack.testkit.Gen;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.LongToDoubleFunction;

/// A sample in the making: a graph together with tensors for its inputs and weights, random by the sample's name.
final class Draft {
  private static final double[] SPECIAL = {
    Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0, -0.0, 1, -1, 100, -100, 0.5, -0.5, 1.5, 2.5, -2.5
  };

  private final Graph graph = new Graph();
  private final String name;
  private final Gen gen;
  private final Map<String, Long> symbols = new LinkedHashMap<>();
  private final SequencedMap<String, HostTensor> inputs = new LinkedHashMap<>();
  private final SequencedMap<String, HostTensor> weights = new LinkedHashMap<>();
  private double atol = -1;
  private double rtol = -1;
  private int results;

  Draft(String name) {
    this.name = name;
    this.gen = Gen.of(name.hashCode());
    // The symbols that shapes may name, with the values they have in this sample.
    symbols.put("s", 13L);
    symbols.put("t", 3L);
  }

  Graph graph() {
    return graph;
  }

  Gen gen() {
    return gen;
  }

  /// The value that a symbol has in this sample.
  Draft symbol(String symbol, long value) {
    symbols.put(symbol, value);
    return this;
  }

  Draft tolerance(double absolute, double relative) {
    atol = absolute;
    rtol = relative;
    return this;
  }

  Draft exact() {
    return tolerance(0, 0);
  }

  /// Standard normal floats, small integers or random bools.
  Value input(DType dtype, String shape) {
    return switch (dtype.category()) {
      case 0 -> fill(dtype, shape, _ -> gen.coin() ? 1 : 0);
      case 1 -> integers(dtype, shape, dtype.isUnsigned() ? 0 : -20, 20);
      default -> fill(dtype, shape, _ -> gen.floats(1)[0]);
    };
  }

  Value uniform(DType dtype, String shape, double low, double high) {
    return fill(dtype, shape, _ -> gen.doubleIn(low, high));
  }

  /// Both ends included.
  Value integers(DType dtype, String shape, long low, long high) {
    return fill(dtype, shape, _ -> gen.longIn(low, high));
  }

  /// The given values in order, again and again.
  Value values(DType dtype, String shape, double... values) {
    return fill(dtype, shape, i -> values[(int) (i % values.length)]);
  }

  /// NaN, infinities, zeros of both signs, halves.
  Value special(DType dtype, String shape) {
    return values(dtype, shape, SPECIAL);
  }

  /// No two elements are equal, and all are exact in every float dtype of 16 bits for up to 256 elements.
  Value distinct(DType dtype, String shape) {
    int count = Math.toIntExact(HostTensor.count(parse(shape).evaluate(symbols)));
    int[] order = gen.permutation(count);
    return fill(dtype, shape, i -> order[(int) i] - count / 2);
  }

  private Value fill(DType dtype, String shape, LongToDoubleFunction values) {
    var type = new TensorType(dtype, parse(shape));
    HostTensor tensor = HostTensor.zeros(dtype, type.shape().evaluate(symbols));
    for (long i = 0; i < tensor.elements(); i++) {
      tensor.setDouble(i, values.applyAsDouble(i));
    }
    String input = "x" + inputs.size();
    inputs.put(input, tensor);
    return graph.input(input, type);
  }

  /// A weight with elements between -0.5 and 0.5.
  Value weight(DType dtype, String shape) {
    var type = new TensorType(dtype, parse(shape));
    HostTensor tensor = HostTensor.zeros(dtype, type.shape().toLongs());
    for (long i = 0; i < tensor.elements(); i++) {
      tensor.setDouble(i, gen.doubleIn(-0.5, 0.5));
    }
    String weight = "w" + weights.size();
    weights.put(weight, tensor);
    return graph.weight(weight, type);
  }

  /// A weight of random blocks with small scales.
  ///
  /// @param shape with `%d` for the bytes of a row
  /// @param blocks in a row
  Value blocks(BlockFormat format, String shape, int blocks) {
    var type = new TensorType(DType.U8, parse(shape.formatted(blocks * format.bytes())));
    HostTensor tensor = HostTensor.zeros(DType.U8, type.shape().toLongs());
    int[] halves = switch (format) {
      case Q8_0, Q4_0, Q5_0 -> new int[] {1};
      case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {1, 3};
      case Q2_K -> new int[] {81, 83};
      case Q3_K -> new int[] {109};
      case Q6_K -> new int[] {209};
      case MXFP4 -> new int[0];
    };
    for (long i = 0; i < tensor.elements(); i++) {
      tensor.setLong(i, gen.longIn(0, 255));
    }
    for (long b = 0; b < tensor.elements(); b += format.bytes()) {
      for (int at : halves) {
        tensor.setLong(b + at, 0x24 | tensor.getLong(b + at) & 0x83);
      }
      if (format == BlockFormat.MXFP4) {
        tensor.setLong(b, gen.longIn(118, 122));
      }
    }
    String weight = "w" + weights.size();
    weights.put(weight, tensor);
    return graph.weight(weight, type);
  }

  /// A shape such as `[2,s,3*t]`; its symbols are declared.
  Shape parse(String text) {
    String inner = text.substring(1, text.length() - 1);
    if (inner.isEmpty()) {
      return Shape.SCALAR;
    }
    return new Shape(Arrays.stream(inner.split(",")).map(this::dim).toList());
  }

  Dim dim(String text) {
    Dim dim = Dim.parse(text);
    dim.symbols().forEach(s -> graph.symbol(s, new DimRange(0, 64)));
    return dim;
  }

  Draft result(Value value) {
    graph.result("y" + results++, value);
    return this;
  }

  Sample done() {
    return new Sample(name, graph, inputs, weights,
        atol < 0 ? tolerance(0.02, 2e-3, 1e-5) : atol, rtol < 0 ? tolerance(0.02, 2e-3, 1e-5) : rtol);
  }

  Sample done(Value result) {
    return result(result).done();
  }

  /// As coarse as the narrowest float in the graph.
  private double tolerance(double bf16, double f16, double f32) {
    double widest = 0;
    for (Value v : graph.values()) {
      widest = Math.max(widest, switch (v.type().dtype()) {
        case F8E4M3, F8E5M2, BF16 -> bf16;
        case F16 -> f16;
        case F32 -> f32;
        case F64 -> 1e-11;
        case BOOL, U8, I8, I16, I32, I64, U16, U32, U64 -> 0;
      });
    }
    return widest;
  }
}
