package dev.deepstack.codegen.llvm;

import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What is particular to vectors in generated code. A vector of one lane is a scalar, so that the
/// same generator writes both the body of a loop and its remainder.
public final class Vec {
  private Vec() {}

  /// Emits what is done with `[begin, end)`: whole vectors of `lanes` elements, then the rest one by one. `body` gets
  /// the first index and the number of elements.
  static void over(Fn f, String begin, String end, int lanes, BiConsumer<String, Integer> body) {
    String whole = f.add(begin, f.binary("and", f.sub(end, begin), Integer.toString(-lanes)));
    f.loop(begin, whole, lanes, i -> body.accept(i, lanes));
    f.loop(whole, end, 1, i -> body.accept(i, 1));
  }

  /// `lanes` copies of a scalar.
  public static String splat(Fn f, String scalar, int lanes) {
    if (lanes == 1) {
      return scalar;
    }
    var element = f.type(scalar);
    var type = Fn.vector(element, lanes);
    var first = f.value(type, "insertelement " + type + " poison, " + f.typed(scalar) + ", i64 0");
    return f.value(
        type,
        "shufflevector "
            + type
            + " "
            + first
            + ", "
            + type
            + " poison, <"
            + lanes
            + " x i32> zeroinitializer");
  }

  /// Zero, as a typed constant for the first value of an accumulator.
  public static String zero(Fn f, String element, int lanes) {
    var zero = element.equals("float") || element.equals("double") ? "0.0" : "0";
    return splatConstant(f, element, zero, lanes);
  }

  /// A vector of `lanes` equal constants.
  public static String splatConstant(Fn f, String element, String literal, int lanes) {
    var scalar = element + " " + literal;
    return lanes == 1
        ? f.value(element, "select i1 true, " + scalar + ", " + scalar)
        : f.value(Fn.vector(element, lanes), "select i1 true, " + both(element, literal, lanes));
  }

  private static String both(String element, String literal, int lanes) {
    var constant = Fn.vector(element, lanes) + " splat (" + element + " " + literal + ")";
    return constant + ", " + constant;
  }

  public static String extract(Fn f, String vector, int lane) {
    return Fn.lanesOf(f.type(vector)) == 1
        ? vector
        : f.value(
            Fn.elementType(f.type(vector)), "extractelement " + f.typed(vector) + ", i64 " + lane);
  }

  public static String insert(Fn f, String vector, String scalar, int lane) {
    return Fn.lanesOf(f.type(vector)) == 1
        ? scalar
        : f.value(
            f.type(vector),
            "insertelement " + f.typed(vector) + ", " + f.typed(scalar) + ", i64 " + lane);
  }

  /// The lanes of `a` followed by those of `b`, chosen by constant `indices`.
  public static String shuffle(Fn f, String a, String b, int... indices) {
    var mask = IntStream.of(indices).mapToObj(i -> "i32 " + i).collect(Collectors.joining(", "));
    var type = Fn.vector(Fn.elementType(f.type(a)), indices.length);
    return f.value(
        type,
        "shufflevector "
            + f.typed(a)
            + ", "
            + f.typed(b)
            + ", <"
            + indices.length
            + " x i32> <"
            + mask
            + ">");
  }

  /// `<0, 1, 2, ...>` in elements of `element`, an integer type.
  public static String iota(Fn f, String element, int lanes) {
    if (lanes == 1) {
      return splatConstant(f, element, "0", 1);
    }
    var type = Fn.vector(element, lanes);
    var values =
        IntStream.range(0, lanes)
            .mapToObj(i -> element + " " + i)
            .collect(Collectors.joining(", "));
    return f.value(
        type, "select i1 true, " + type + " <" + values + ">, " + type + " <" + values + ">");
  }

  /// An i1 per lane: whether the lane's number is below `count` (an i64, may exceed the lanes).
  public static String firstLanes(Fn f, String count, int lanes) {
    if (lanes == 1) {
      return f.icmp("sgt", count, "0");
    }
    var few = f.cast("trunc", f.max(f.min(count, Integer.toString(lanes)), "0"), "i32");
    return f.icmp("ult", iota(f, "i32", lanes), splat(f, few, lanes));
  }

  /// Loads the lanes whose mask is set; the others are zero, and their memory is not touched.
  public static String maskedLoad(Fn f, String type, String pointer, String mask) {
    if (Fn.lanesOf(type) == 1) {
      throw new IllegalArgumentException(
          "a single lane is loaded under a condition, not under a mask");
    }
    var name = "@llvm.masked.load." + Fn.mangled(type) + ".p0";
    f.module().declare(type + " " + name + "(ptr, i32 immarg, " + f.type(mask) + ", " + type + ")");
    return f.value(
        type,
        "call "
            + type
            + " "
            + name
            + "(ptr "
            + pointer
            + ", i32 "
            + Fn.elementBytes(type)
            + ", "
            + f.typed(mask)
            + ", "
            + type
            + " zeroinitializer)");
  }

  /// Stores the lanes whose mask is set and does not touch the memory of the others.
  public static void maskedStore(Fn f, String value, String pointer, String mask) {
    var type = f.type(value);
    if (Fn.lanesOf(type) == 1) {
      f.when(mask, () -> f.store(value, pointer));
      return;
    }
    var name = "@llvm.masked.store." + Fn.mangled(type) + ".p0";
    f.module().declare("void " + name + "(" + type + ", ptr, i32 immarg, " + f.type(mask) + ")");
    f.line(
        "call void "
            + name
            + "("
            + f.typed(value)
            + ", ptr "
            + pointer
            + ", i32 "
            + Fn.elementBytes(type)
            + ", "
            + f.typed(mask)
            + ")");
  }

  /// Loads one element per lane from `pointers`, a vector of pointers.
  public static String gather(Fn f, String element, String pointers) {
    int lanes = Fn.lanesOf(f.type(pointers));
    if (lanes == 1) {
      return f.load(element, pointers);
    }
    var type = Fn.vector(element, lanes);
    var mask = Fn.vector("i1", lanes);
    var name = "@llvm.masked.gather." + Fn.mangled(type) + ".v" + lanes + "p0";
    f.module()
        .declare(
            type + " " + name + "(<" + lanes + " x ptr>, i32 immarg, " + mask + ", " + type + ")");
    return f.value(
        type,
        "call "
            + type
            + " "
            + name
            + "("
            + f.typed(pointers)
            + ", i32 "
            + Fn.elementBytes(element)
            + ", "
            + mask
            + " splat (i1 true), "
            + type
            + " zeroinitializer)");
  }

  /// The sum of the lanes, added pairwise.
  public static String reduceAdd(Fn f, String vector) {
    var type = f.type(vector);
    var element = Fn.elementType(type);
    if (Fn.lanesOf(type) == 1) {
      return vector;
    }
    if (!element.equals("float") && !element.equals("double")) {
      return reduce(f, "add", vector);
    }
    var name = "@llvm.vector.reduce.fadd." + Fn.mangled(type);
    f.module().declare(element + " " + name + "(" + element + ", " + type + ")");
    return f.value(
        element,
        "call reassoc " + element + " " + name + "(" + element + " 0.0, " + f.typed(vector) + ")");
  }

  /// The largest lane (floats: of lanes that are not NaN).
  public static String reduceMax(Fn f, String vector) {
    return reduce(f, isFloat(f, vector) ? "fmax" : "smax", vector);
  }

  /// The smallest lane (floats: of lanes that are not NaN).
  public static String reduceMin(Fn f, String vector) {
    return reduce(f, isFloat(f, vector) ? "fmin" : "smin", vector);
  }

  /// An integer or float reduction of LLVM by name: `mul`, `and`, `or`, `xor`, `smax`, `umin`,
  /// `fmaximum`, ...
  public static String reduce(Fn f, String operation, String vector) {
    var type = f.type(vector);
    if (Fn.lanesOf(type) == 1) {
      return vector;
    }
    var element = Fn.elementType(type);
    var name = "@llvm.vector.reduce." + operation + "." + Fn.mangled(type);
    f.module().declare(element + " " + name + "(" + type + ")");
    return f.value(element, "call " + element + " " + name + "(" + f.typed(vector) + ")");
  }

  private static boolean isFloat(Fn f, String vector) {
    return switch (Fn.elementType(f.type(vector))) {
      case "float", "double", "half", "bfloat" -> true;
      default -> false;
    };
  }
}
