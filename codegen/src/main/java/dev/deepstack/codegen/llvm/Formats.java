package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.DType;

/// Floating-point storage formats in generated code: all arithmetic is f32 (or f64), the narrower
/// formats exist in memory only. In registers bf16 is an i16 pattern and f16 is `half`.
public final class Formats {
  private Formats() {}

  /// bf16 patterns to f32: exact.
  public static String bf16ToF32(Fn f, String bits) {
    var wide = f.binary("shl", f.cast("zext", bits, "i32"), "16");
    return f.cast("bitcast", wide, Fn.withLanes("float", f.type(bits)));
  }

  /// f32 to bf16 patterns: to nearest, ties to even; NaN stays NaN, subnormals are kept (which
  /// the CPU's own instruction would flush).
  public static String f32ToBf16(Fn f, String value) {
    var bits = f.cast("bitcast", value, Fn.withLanes("i32", f.type(value)));
    var odd = f.binary("and", f.binary("lshr", bits, "16"), "1");
    var rounded = f.binary("lshr", f.add(bits, f.binary("add", odd, "32767")), "16");
    var quiet = f.binary("or", f.binary("lshr", bits, "16"), "64");
    return f.cast("trunc", f.select(f.fcmp("uno", value, value), quiet, rounded), "i16");
  }

  /// Loads `lanes` elements of a float format as f32 (f64 as double).
  public static String load(Fn f, DType dtype, String pointer, int lanes) {
    return switch (dtype) {
      case F32 -> f.load(Fn.vector("float", lanes), pointer);
      case F64 -> f.load(Fn.vector("double", lanes), pointer);
      case BF16 -> bf16ToF32(f, f.load(Fn.vector("i16", lanes), pointer));
      case F16 -> f.cast("fpext", f.load(Fn.vector("half", lanes), pointer), "float");
      default ->
          throw new IllegalArgumentException(dtype + " is not a float format that code can load");
    };
  }

  /// Stores f32 lanes in a float format (double lanes in f64), rounding to nearest even.
  public static void store(Fn f, DType dtype, String value, String pointer) {
    switch (dtype) {
      case F32, F64 -> f.store(value, pointer);
      case BF16 -> f.store(f32ToBf16(f, value), pointer);
      case F16 -> f.store(f.cast("fptrunc", value, "half"), pointer);
      default ->
          throw new IllegalArgumentException(dtype + " is not a float format that code can store");
    }
  }
}
