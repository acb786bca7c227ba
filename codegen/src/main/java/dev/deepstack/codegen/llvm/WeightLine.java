package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.DType;
import java.util.List;

/// How generated code reads packed weights (see [dev.deepstack.program.weight.Packing]). A line
/// holds one 4-byte unit per row of a panel: one f32 weight, or two neighbouring 16-bit weights.
///
/// @param dtype the storage format
/// @param lanes rows of a panel
record WeightLine(DType dtype, int lanes) {

  /// How many k a line covers.
  int depth() {
    return dtype == DType.F32 ? 1 : 2;
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
    return List.of(half(f, units), half(f, f.binary("lshr", units, "16")));
  }

  private String half(Fn f, String units) {
    var bits = f.cast("bitcast", f.cast("trunc", units, "i16"), Fn.vector("half", lanes));
    return f.cast("fpext", bits, "float");
  }

  String suffix() {
    return dtype.text() + "x" + lanes;
  }
}
