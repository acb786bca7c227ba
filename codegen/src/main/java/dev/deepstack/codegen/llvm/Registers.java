package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.DType;

/// How elements of each dtype live in registers: bool as i1, integers as themselves, f64 as double, all other floats as
/// f32 that is rounded to the dtype after every operation.
final class Registers {
  private Registers() {}

  static String element(DType dtype) {
    return switch (dtype) {
      case BOOL -> "i1";
      case U8, I8 -> "i8";
      case I16, U16 -> "i16";
      case I32, U32 -> "i32";
      case I64, U64 -> "i64";
      case F8E4M3, F8E5M2, F16, BF16, F32 -> "float";
      case F64 -> "double";
    };
  }

  static boolean isFloat(DType dtype) {
    return dtype.isFloat();
  }

  /// The LLVM type under which elements lie in memory.
  static String stored(DType dtype) {
    return switch (dtype) {
      case BOOL, U8, I8, F8E4M3, F8E5M2 -> "i8";
      case I16, U16, F16, BF16 -> "i16";
      case I32, U32 -> "i32";
      case I64, U64 -> "i64";
      case F32 -> "float";
      case F64 -> "double";
    };
  }

  static String load(Fn f, DType dtype, String pointer, int lanes) {
    return switch (dtype) {
      case BOOL -> f.icmp("ne", f.load(Fn.vector("i8", lanes), pointer), "0");
      case F8E4M3 -> e4m3(f, f.load(Fn.vector("i8", lanes), pointer));
      case F8E5M2 -> {
        var bits = f.binary("shl", f.cast("zext", f.load(Fn.vector("i8", lanes), pointer), "i16"), "8");
        yield f.cast("fpext", f.cast("bitcast", bits, Fn.vector("half", lanes)), "float");
      }
      case F16, BF16, F32, F64 -> Formats.load(f, dtype, pointer, lanes);
      default -> f.load(Fn.vector(stored(dtype), lanes), pointer);
    };
  }

  /// As f16 with the exponent shifted by 8: exact, subnormals included; only the NaN pattern needs care.
  private static String e4m3(Fn f, String bits) {
    var wide = f.cast("zext", bits, "i16");
    var magnitude = f.binary("and", wide, "127");
    var sign = f.binary("shl", f.binary("and", wide, "128"), "8");
    var half = f.binary("or", f.binary("shl", magnitude, "7"), sign);
    var value = f.cast("fpext", f.cast("bitcast", half, Fn.withLanes("half", f.type(bits))), "float");
    return f.select(f.icmp("eq", magnitude, "127"), Fn.f32(Float.NaN), f.fmul(value, Fn.f32(256)));
  }

  static void store(Fn f, DType dtype, String value, String pointer) {
    switch (dtype) {
      case BOOL -> f.store(f.cast("zext", materialize(f, value), "i8"), pointer);
      case F16, BF16, F32, F64 -> Formats.store(f, dtype, materialize(f, value), pointer);
      case F8E4M3, F8E5M2 -> throw new dev.deepstack.tensor.UnsupportedModelException(
          "results of dtype " + dtype.text() + " cannot be stored yet; cast them to f32 in the model");
      default -> f.store(materialize(f, value), pointer);
    }
  }

  /// A typed literal as a value that every instruction takes.
  static String materialize(Fn f, String value) {
    return value.startsWith("%") ? value : f.value(f.type(value), "select i1 true, " + f.typed(value) + ", "
        + f.typed(value));
  }

  /// The value as the dtype can hold it.
  static String round(Fn f, DType dtype, String value) {
    return switch (dtype) {
      case BF16 -> Formats.bf16ToF32(f, Formats.f32ToBf16(f, materialize(f, value)));
      case F16 -> f.cast("fpext", f.cast("fptrunc", value, "half"), "float");
      default -> value;
    };
  }

  /// A literal of the dtype's register type.
  static String literal(DType dtype, double value) {
    if (dtype == DType.F64) {
      return Fn.f64(value);
    }
    if (dtype.isFloat()) {
      return Fn.f32(switch (dtype) {
        case BF16 -> dev.deepstack.tensor.FloatFormat.fromBf16(dev.deepstack.tensor.FloatFormat.toBf16((float) value));
        case F16 -> Float.float16ToFloat(Float.floatToFloat16((float) value));
        default -> (float) value;
      });
    }
    return dtype.isBool() ? "i1 " + (value != 0) : element(dtype) + " " + (long) value;
  }
}
