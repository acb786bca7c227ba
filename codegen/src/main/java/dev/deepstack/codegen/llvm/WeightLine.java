package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.DType;
import java.util.List;

/// How generated code reads packed weights (see [dev.deepstack.program.weight.Packing]). A line
/// holds one 4-byte unit per row of a panel: one f32 weight, or two neighbouring 16-bit weights, or four of 8 bits.
///
/// @param dtype the storage format
/// @param lanes rows of a panel
record WeightLine(DType dtype, int lanes) {

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
      return bytes(f, units);
    }
    return List.of(half(f, units), half(f, f.binary("lshr", units, "16")));
  }

  /// E4m3 as f16 with the exponent shifted by 8, which is exact, subnormals included, both bytes of all 16-bit words at
  /// once; the pattern of not-a-number gets that of f16.
  private List<String> bytes(Fn f, String units) {
    var words = f.cast("bitcast", units, Fn.vector("i16", 2 * lanes));
    var even = f.cast("bitcast", halves(f, f.binary("shl", words, "8")), Fn.vector("i32", lanes));
    var odd = f.cast("bitcast", halves(f, words), Fn.vector("i32", lanes));
    return List.of(scaled(f, half(f, even)), scaled(f, half(f, odd)), scaled(f, half(f, f.binary("lshr", even, "16"))),
        scaled(f, half(f, f.binary("lshr", odd, "16"))));
  }

  /// The upper byte of each word as f16.
  private static String halves(Fn f, String words) {
    var magnitude = f.binary("and", f.binary("lshr", words, "1"), "16256");
    var half = f.binary("or", magnitude, f.binary("and", words, "-32768"));
    return f.select(f.icmp("eq", magnitude, "16256"), f.binary("or", half, "32256"), half);
  }

  private static String scaled(Fn f, String value) {
    return f.fmul(value, Fn.f32(256));
  }

  private String half(Fn f, String units) {
    var bits = f.cast("bitcast", f.cast("trunc", units, "i16"), Fn.vector("half", lanes));
    return f.cast("fpext", bits, "float");
  }

  String suffix() {
    return dtype.text() + "x" + lanes;
  }
}
