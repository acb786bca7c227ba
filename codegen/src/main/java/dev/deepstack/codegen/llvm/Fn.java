package dev.deepstack.codegen.llvm;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Writes one LLVM function. A value is a string: `%name` (the type is remembered), `@name` (a
/// pointer), a literal (`3`, `0.5`, `true`: the type comes from the other operand, `i64` if there
/// is none) or a typed literal (`float 0.5`). Operations return the name of their result.
/// Arithmetic works on scalars and on vectors alike; see [Vec] for what is particular to vectors
/// and [Formats] for bf16 and f16. [ModuleText] has an example.
public final class Fn extends FnText {
  Fn(
      ModuleText module,
      String linkage,
      String name,
      String returns,
      List<String> parameters,
      String attributes) {
    super(module, linkage, name, returns, parameters, attributes);
  }

  @Override
  Fn self() {
    return this;
  }

  // ---- Integers

  public String add(String a, String b) {
    return binary("add", a, b);
  }

  public String sub(String a, String b) {
    return binary("sub", a, b);
  }

  public String mul(String a, String b) {
    return binary("mul", a, b);
  }

  public String add(String a, long b) {
    return b == 0 ? a : binary("add", a, Long.toString(b));
  }

  public String mul(String a, long b) {
    return b == 1 ? a : binary("mul", a, Long.toString(b));
  }

  /// Unsigned division; sizes and indices are never negative.
  public String div(String a, long b) {
    return b == 1 ? a : binary("udiv", a, Long.toString(b));
  }

  public String mod(String a, long b) {
    return binary("urem", a, Long.toString(b));
  }

  /// Signed minimum.
  public String min(String a, String b) {
    return intrinsic("llvm.smin", common(a, b), a, b);
  }

  /// Signed maximum.
  public String max(String a, String b) {
    return intrinsic("llvm.smax", common(a, b), a, b);
  }

  /// `icmp("slt", a, b)`
  public String icmp(String predicate, String a, String b) {
    var type = common(a, b);
    return value(
        withLanes("i1", type),
        "icmp " + predicate + " " + type + " " + constant(type, a) + ", " + constant(type, b));
  }

  // ---- Floats: a product may be fused with the sum it goes into, nothing else is relaxed.

  public String fadd(String a, String b) {
    return binary("fadd contract", a, b);
  }

  public String fsub(String a, String b) {
    return binary("fsub contract", a, b);
  }

  public String fmul(String a, String b) {
    return binary("fmul contract", a, b);
  }

  public String fdiv(String a, String b) {
    return binary("fdiv", a, b);
  }

  public String fneg(String a) {
    return value(type(a), "fneg " + typed(a));
  }

  /// a * b + c, rounded once.
  public String fma(String a, String b, String c) {
    return intrinsic("llvm.fma", common(a, b, c), a, b, c);
  }

  /// `fcmp("olt", a, b)`
  public String fcmp(String predicate, String a, String b) {
    var type = common(a, b);
    return value(
        withLanes("i1", type),
        "fcmp " + predicate + " " + type + " " + constant(type, a) + ", " + constant(type, b));
  }

  public String sqrt(String a) {
    return intrinsic("llvm.sqrt", type(a), a);
  }

  public String abs(String a) {
    return intrinsic("llvm.fabs", type(a), a);
  }

  /// The larger; NaN if either is NaN, as in PyTorch.
  public String fmax(String a, String b) {
    var larger = select(fcmp("ogt", a, b), a, b);
    return select(fcmp("uno", a, a), a, larger);
  }

  /// The smaller; NaN if either is NaN, as in PyTorch.
  public String fmin(String a, String b) {
    var smaller = select(fcmp("olt", a, b), a, b);
    return select(fcmp("uno", a, a), a, smaller);
  }

  /// A one-instruction maximum that prefers numbers to NaN in no particular way: for data without
  /// NaN.
  public String fmaxFast(String a, String b) {
    return select(fcmp("ogt", a, b), a, b);
  }

  /// An intrinsic overloaded on one type, all of whose operands have that type:
  /// `intrinsic("llvm.floor", type(x), x)`.
  public String intrinsic(String name, String type, String... operands) {
    var list =
        IntStream.range(0, operands.length)
            .mapToObj(i -> type + " " + constant(type, operands[i]))
            .collect(Collectors.joining(", "));
    var full = name + "." + mangled(type);
    module()
        .declare(type + " @" + full + "(" + (type + ", ").repeat(operands.length - 1) + type + ")");
    return value(type, "call " + type + " @" + full + "(" + list + ")");
  }

  // ---- Either kind

  public String select(String condition, String a, String b) {
    var type = common(a, b);
    type = a.startsWith("%") || b.startsWith("%") ? type : withLanes(type, type(condition));
    return value(
        type,
        "select "
            + typed(condition)
            + ", "
            + type
            + " "
            + constant(type, a)
            + ", "
            + type
            + " "
            + constant(type, b));
  }

  /// `cast("sitofp", v, "float")`; a vector keeps its lanes, `type` names the element.
  public String cast(String operation, String a, String type) {
    var to = operation.equals("bitcast") ? type : withLanes(elementType(type), type(a));
    return type(a).equals(to) ? a : value(to, operation + " " + typed(a) + " to " + to);
  }

  /// Calls a function: `call("float", "@powf", x, y)`. With result `void` the returned name is
  /// unusable.
  public String call(String result, String function, String... arguments) {
    var list =
        IntStream.range(0, arguments.length)
            .mapToObj(i -> typed(arguments[i]))
            .collect(Collectors.joining(", "));
    var text = "call " + result + " " + function + "(" + list + ")";
    if (!result.equals("void")) {
      return value(result, text);
    }
    line(text);
    return "";
  }

  // ---- Memory

  /// The address of element `index` of an array of `type`.
  public String at(String pointer, String type, String index) {
    return value("ptr", "getelementptr " + type + ", ptr " + pointer + ", " + typed(index));
  }

  public String at(String pointer, String type, long index) {
    return index == 0 ? pointer : at(pointer, type, Long.toString(index));
  }

  /// The address `bytes` behind `pointer`.
  public String byteAt(String pointer, long bytes) {
    return at(pointer, "i8", bytes);
  }

  /// Loads a value; vectors need only the alignment of their elements.
  public String load(String type, String pointer) {
    return load(type, pointer, elementBytes(type));
  }

  public String load(String type, String pointer, int alignment) {
    return value(type, "load " + type + ", ptr " + pointer + ", align " + alignment);
  }

  public void store(String value, String pointer) {
    store(value, pointer, elementBytes(type(value)));
  }

  public void store(String value, String pointer, int alignment) {
    line("store " + typed(value) + ", ptr " + pointer + ", align " + alignment);
  }

  /// Hints that the cache line at `pointer` will be read; `locality` 3 keeps it in L1, 2 in L2.
  public void prefetch(String pointer, int locality) {
    module().declare("void @llvm.prefetch.p0(ptr, i32 immarg, i32 immarg, i32 immarg)");
    line("call void @llvm.prefetch.p0(ptr " + pointer + ", i32 0, i32 " + locality + ", i32 1)");
  }

  /// A variable with a first value: read it with [#load], change it with [#store].
  public String variable(String type, String first) {
    var name = local(type, 1);
    store(isTyped(first) ? first : type + " " + constant(type, first), name, 64);
    return name;
  }
}
