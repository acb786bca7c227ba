package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The text of one LLVM module while it is written: functions, declarations and constants.
///
/// ```java
/// var module = new ModuleText(CpuTarget.host());
/// var f = module.function("scale", "void", "ptr x", "float a", "i64 n");
/// f.loop("0", "%n", 1, i -> {
///   var at = f.at("%x", "float", i);
///   f.store(f.fmul(f.load("float", at), "%a"), at);
/// });
/// f.end();
/// byte[] object = compiler.compile(module.text(), module.cpu());
/// ```
public final class ModuleText {
  private final CpuTarget cpu;
  private final Map<String, String> declarations = new LinkedHashMap<>();
  private final List<String> globals = new ArrayList<>();
  private final List<String> functions = new ArrayList<>();
  private final Set<String> defined = new HashSet<>();

  public ModuleText(CpuTarget cpu) {
    this.cpu = cpu;
  }

  public CpuTarget cpu() {
    return cpu;
  }

  /// The number of f32 lanes of a vector on this CPU.
  public int lanes() {
    return cpu.lanes();
  }

  /// Begins an exported function. Parameters are typed names without the percent sign: `"ptr
  /// noalias x"`, `"i64 n"`; in the body they are `%x`, `%n`. [Fn#end] must be called when the
  /// body is complete.
  public Fn function(String name, String result, String... parameters) {
    return new Fn(this, "", name, result, List.of(parameters), "");
  }

  /// Begins a function only this module can see.
  public Fn internal(String name, String result, String... parameters) {
    return new Fn(this, "internal ", name, result, List.of(parameters), "");
  }

  /// Begins a function only this module can see and that keeps a frame of its own: for large
  /// local arrays.
  public Fn outlined(String name, String result, String... parameters) {
    return new Fn(this, "internal ", name, result, List.of(parameters), "noinline ");
  }

  /// Begins a function that disappears into its callers.
  public Fn inlined(String name, String result, String... parameters) {
    return new Fn(this, "internal ", name, result, List.of(parameters), "alwaysinline ");
  }

  /// Declares an outside function, once: `declare("float @powf(float, float)")`.
  public void declare(String signature) {
    declarations.putIfAbsent(signature, "declare " + signature);
  }

  /// Adds a global definition, `@table = internal constant [4 x float] [...]`.
  public void global(String definition) {
    globals.add(definition);
  }

  /// Whether `name` is asked for the first time: `if (module.first("@exp")) { ...define it... }`.
  public boolean first(String name) {
    return defined.add(name);
  }

  void add(String function) {
    functions.add(function);
  }

  /// The whole module, deterministic for the same calls.
  public String text() {
    var attributes =
        "attributes #0 = { nounwind \"frame-pointer\"=\"none\" \"no-trapping-math\"=\"true\" "
            + "\"prefer-vector-width\"=\""
            + cpu.vectorBits()
            + "\" \"min-legal-vector-width\"=\""
            + cpu.vectorBits()
            + "\" }\n";
    return String.join("\n", globals)
        + "\n\n"
        + String.join("\n", functions)
        + "\n"
        + String.join("\n", declarations.values())
        + "\n\n"
        + attributes;
  }
}
