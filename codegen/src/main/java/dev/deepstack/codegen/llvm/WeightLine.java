package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/// How generated code reads packed weights (see [dev.deepstack.program.weight.Packing]). A line
/// holds one 4-byte unit per row of a panel: one f32 weight, or two neighbouring 16-bit weights, or four of 8 bits.
///
/// @param dtype the storage format
/// @param lanes rows of a panel
record WeightLine(DType dtype, int lanes) {
  /// How much lower exponents of 8-bit floats are in f32 when only their bits are moved.
  static final int SHIFT = 120;

  /// How many k a line covers.
  int depth() {
    return 4 / dtype.bytes();
  }

  int bytes() {
    return 4 * lanes;
  }

  /// The weights of the line at `pointer` as f32 vectors, one per k.
  List<String> load(Fn f, String pointer) {
    if (dtype == DType.F32) {
      return List.of(f.load(Fn.vector("float", lanes), pointer, bytes()));
    }
    var units = f.load(Fn.vector("i32", lanes), pointer, bytes());
    var floats = Fn.vector("float", lanes);
    if (dtype == DType.BF16) {
      return List.of(
          f.cast("bitcast", f.binary("shl", units, "16"), floats),
          f.cast("bitcast", f.binary("and", units, "-65536"), floats));
    }
    if (dtype == DType.F8E4M3) {
      return shifted(f, units).stream().map(w -> exact(f, w)).toList();
    }
    return List.of(half(f, units), half(f, f.binary("lshr", units, "16")));
  }

  /// E4m3 with exponent and mantissa where f32 has them: the weights times 2 to the power of -[#SHIFT], subnormals
  /// included. The pattern of not-a-number comes out as a number, see [#highest].
  List<String> shifted(Fn f, String units) {
    var weights = new ArrayList<String>();
    for (int bits = 24; bits >= 0; bits -= 8) {
      // The sign stays at the top; its copies are cut off.
      var moved = f.binary("ashr", bits == 0 ? units : f.binary("shl", units, Integer.toString(bits)), "4");
      var pattern = f.binary("and", moved, Integer.toString(0x87f0_0000));
      weights.add(f.cast("bitcast", pattern, Fn.vector("float", lanes)));
    }
    return weights;
  }

  /// The higher of the magnitudes seen so far and those of a line, byte by byte: 127 is not-a-number.
  String highest(Fn f, String before, String units) {
    var bytes = f.cast("bitcast", f.binary("and", units, Integer.toString(0x7f7f_7f7f)), Fn.vector("i8", 4 * lanes));
    return f.select(f.icmp("ugt", bytes, before), bytes, before);
  }

  /// The sums of a panel's rows, or not-a-number where a weight was.
  String checked(Fn f, String sums, String highest) {
    var words = f.add(f.cast("bitcast", highest, Fn.vector("i32", lanes)), Integer.toString(0x0101_0101));
    var carried = f.binary("and", words, Integer.toString(0x8080_8080));
    return f.select(f.icmp("eq", carried, "0"), sums, Fn.f32(Float.NaN));
  }

  private String exact(Fn f, String shifted) {
    var magnitude = f.binary("and", f.cast("bitcast", shifted, Fn.vector("i32", lanes)), Integer.toString(0x7f0_0000));
    return f.select(f.icmp("eq", magnitude, Integer.toString(0x7f0_0000)), Fn.f32(Float.NaN),
        f.fmul(shifted, Fn.f32((float) Math.scalb(1.0, SHIFT))));
  }

  private String half(Fn f, String units) {
    var bits = f.cast("bitcast", f.cast("trunc", units, "i16"), Fn.vector("half", lanes));
    return f.cast("fpext", bits, "float");
  }

  String suffix() {
    return dtype.text() + "x" + lanes;
  }
}
