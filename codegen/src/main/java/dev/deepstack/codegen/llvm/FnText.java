package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/// The text of one LLVM function while it is written: names and types of values, blocks, control
/// flow. [Fn] adds the operations.
public abstract sealed class FnText permits Fn {
  private final ModuleText module;
  private final String head;
  private final String returns;
  private final StringBuilder entry = new StringBuilder();
  private final StringBuilder body = new StringBuilder();
  private final Map<String, String> types = new HashMap<>();
  private final List<String> parameters = new ArrayList<>();
  private String block = "entry";
  private boolean open = true;
  private int next;

  FnText(
      ModuleText module,
      String linkage,
      String name,
      String returns,
      List<String> parameters,
      String attributes) {
    this.module = module;
    this.returns = returns;
    var list = new ArrayList<String>();
    for (String parameter : parameters) {
      int cut = parameter.lastIndexOf(' ');
      var value = "%" + parameter.substring(cut + 1);
      var attributed = parameter.substring(0, cut);
      types.put(value, bareType(attributed));
      this.parameters.add(value);
      list.add(attributed + " " + value);
    }
    head =
        "define "
            + linkage
            + returns
            + " @"
            + name
            + "("
            + String.join(", ", list)
            + ") "
            + attributes
            + "#0 {\n";
  }

  private static String bareType(String attributed) {
    int end =
        attributed.startsWith("<") || attributed.startsWith("[")
            ? Math.max(attributed.indexOf('>'), attributed.indexOf(']')) + 1
            : attributed.indexOf(' ');
    return end <= 0 ? attributed : attributed.substring(0, end);
  }

  public ModuleText module() {
    return module;
  }

  /// The parameters as values, `%x`.
  public List<String> parameters() {
    return List.copyOf(parameters);
  }

  /// The type of a value; `i64` for a bare literal.
  public String type(String value) {
    if (value.startsWith("%")) {
      var type = types.get(value);
      if (type == null) {
        throw new IllegalArgumentException("no value " + value + " in " + head);
      }
      return type;
    }
    int cut = value.lastIndexOf(' ');
    if (value.equals("true") || value.equals("false")) {
      return "i1";
    }
    return value.startsWith("@")
        ? "ptr"
        : cut > 0 && !value.startsWith("<") ? value.substring(0, cut) : "i64";
  }

  // ---- Writing text

  /// Emits `%n = text` and remembers the type of the result.
  public String value(String type, String text) {
    var name = "%v" + next++;
    line(name + " = " + text);
    types.put(name, type);
    return name;
  }

  /// Emits one instruction without a result.
  public void line(String text) {
    if (open) {
      body.append("  ").append(text).append('\n');
    }
  }

  /// A note in the text of the function.
  public void comment(String text) {
    line("; " + text);
  }

  /// `type value`, the form in which operands are passed.
  public String typed(String value) {
    return value.startsWith("%")
            || value.startsWith("@")
            || value.indexOf(' ') < 0
            || value.startsWith("<")
        ? type(value) + " " + value
        : value;
  }

  static String bare(String value) {
    return value.startsWith("%") || value.startsWith("<")
        ? value
        : value.substring(value.lastIndexOf(' ') + 1);
  }

  /// The type an operation on these operands works in: that of a computed value if there is one,
  /// for a literal adapts.
  String common(String... operands) {
    for (String operand : operands) {
      if (operand.startsWith("%") || operand.startsWith("@")) {
        return type(operand);
      }
    }
    for (String operand : operands) {
      if (isTyped(operand)) {
        return type(operand);
      }
    }
    return "i64";
  }

  static boolean isTyped(String value) {
    return value.startsWith("%")
        || value.startsWith("@")
        || value.indexOf(' ') > 0 && !value.startsWith("<");
  }

  /// A binary instruction: `binary("fadd contract", a, b)`.
  public String binary(String operation, String a, String b) {
    var type = common(a, b);
    return value(type, operation + " " + type + " " + constant(type, a) + ", " + constant(type, b));
  }

  /// A literal as an operand of type `type`: scalars are repeated for vectors.
  static String constant(String type, String value) {
    var text = bare(value);
    boolean spread =
        type.startsWith("<")
            && !text.startsWith("%")
            && !text.startsWith("<")
            && !text.equals("zeroinitializer");
    return spread ? "splat (" + elementType(type) + " " + text + ")" : text;
  }

  static String elementType(String type) {
    return type.startsWith("<") ? type.substring(type.indexOf('x') + 2, type.length() - 1) : type;
  }

  static int lanesOf(String type) {
    return type.startsWith("<") ? Integer.parseInt(type.substring(1, type.indexOf(' '))) : 1;
  }

  /// `type` with as many lanes as `like` has.
  static String withLanes(String type, String like) {
    return vector(type, lanesOf(like));
  }

  /// `<16 x float>`, or `float` for one lane.
  public static String vector(String element, int lanes) {
    return lanes == 1 ? element : "<" + lanes + " x " + element + ">";
  }

  /// A float constant with exactly this value, as LLVM wants it written.
  public static String f32(float value) {
    return "float 0x" + String.format("%016X", Double.doubleToRawLongBits(value));
  }

  /// A double constant with exactly this value.
  public static String f64(double value) {
    return "double 0x" + String.format("%016X", Double.doubleToRawLongBits(value));
  }

  static String mangled(String type) {
    var element = elementType(type);
    var code =
        switch (element) {
          case "float" -> "f32";
          case "double" -> "f64";
          case "half" -> "f16";
          case "bfloat" -> "bf16";
          case "ptr" -> "p0";
          default -> element;
        };
    return type.startsWith("<") ? "v" + lanesOf(type) + code : code;
  }

  static int elementBytes(String type) {
    return switch (elementType(type)) {
      case "i1", "i8" -> 1;
      case "i16", "half", "bfloat" -> 2;
      case "i32", "float" -> 4;
      default -> 8;
    };
  }

  abstract Fn self();

  // ---- Control flow

  /// `for (i = from; i < to; i += step)`. Bounds are i64, compared as signed numbers.
  public void loop(String from, String to, long step, Consumer<String> body) {
    loop(
        from,
        to,
        step,
        List.of(),
        (i, _) -> {
          body.accept(i);
          return List.of();
        });
  }

  /// What one round of a loop with carried values does: from the counter and the values to the
  /// next values.
  public interface Round {
    List<String> next(String counter, List<String> carried);
  }

  /// A counted loop that carries values from round to round and returns the last ones (the first
  /// ones if it runs no round).
  public List<String> loop(String from, String to, long step, List<String> first, Round round) {
    int id = next++;
    var before = block;
    var enter = value("i1", "icmp slt i64 " + bare(from) + ", " + bare(to));
    line("br i1 " + enter + ", label %loop" + id + ", label %done" + id);
    begin("loop" + id);
    var counter = "%i" + id;
    types.put(counter, "i64");
    line(counter + " = phi i64 [ " + bare(from) + ", %" + before + " ], [ %next" + id + ", %latch" + id + " ]");
    int phis = body.length();
    var carried = new ArrayList<String>();
    for (int k = 0; k < first.size(); k++) {
      carried.add("%c" + id + "." + k);
      types.put(carried.get(k), type(first.get(k)));
    }
    var last = round.next(counter, List.copyOf(carried));
    line("br label %latch" + id);
    begin("latch" + id);
    line("%next" + id + " = add i64 " + counter + ", " + step);
    line("%more" + id + " = icmp slt i64 %next" + id + ", " + bare(to));
    line("br i1 %more" + id + ", label %loop" + id + ", label %done" + id);
    var heads = new StringBuilder();
    for (int k = 0; k < first.size(); k++) {
      heads.append("  ").append(carried.get(k)).append(" = ")
          .append(phi(first.get(k), before, last.get(k), id)).append('\n');
    }
    body.insert(phis, heads);
    begin("done" + id);
    var results = new ArrayList<String>();
    for (int k = 0; k < first.size(); k++) {
      results.add(value(type(first.get(k)), phi(first.get(k), before, last.get(k), id)));
    }
    return results;
  }

  private String phi(String first, String before, String last, int loop) {
    var type = type(first);
    return "phi " + type + " [ " + constant(type, first) + ", %" + before + " ], [ " + constant(type, last)
        + ", %latch" + loop + " ]";
  }

  /// Runs `then` if the i1 `condition` holds.
  public void when(String condition, Runnable then) {
    when(condition, then, () -> {});
  }

  public void when(String condition, Runnable then, Runnable otherwise) {
    int id = next++;
    line("br i1 " + bare(condition) + ", label %then" + id + ", label %else" + id);
    begin("then" + id);
    then.run();
    line("br label %end" + id);
    begin("else" + id);
    otherwise.run();
    line("br label %end" + id);
    begin("end" + id);
  }

  /// `while (condition)`: `condition` emits the test each round and returns an i1.
  public void whileLoop(Function<Fn, String> condition, Runnable round) {
    int id = next++;
    line("br label %while" + id);
    begin("while" + id);
    line("br i1 " + condition.apply(self()) + ", label %do" + id + ", label %end" + id);
    begin("do" + id);
    round.run();
    line("br label %while" + id);
    begin("end" + id);
  }

  /// Leaves the function; code that follows in this block is unreachable and not written.
  public void ret(String value) {
    line("ret " + returns + " " + bare(value));
    open = false;
  }

  public void ret() {
    line("ret void");
    open = false;
  }

  private void begin(String label) {
    body.append(label).append(":\n");
    block = label;
    open = true;
  }

  /// Completes the function (returning, if it is void and still open) and adds it to the module.
  public void end() {
    if (open && returns.equals("void")) {
      ret();
    }
    module.add(head + "entry:\n" + entry + body + "}\n");
  }

  /// Room for `count` values in the frame, 64-byte aligned. Where it is only loaded and stored
  /// whole, it becomes a register.
  public String local(String type, long count) {
    var name = "%m" + next++;
    entry
        .append("  ")
        .append(name)
        .append(" = alloca ")
        .append(type)
        .append(", i64 ")
        .append(count)
        .append(", align 64\n");
    types.put(name, "ptr");
    return name;
  }
}
