package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.UnsupportedModelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// Compiles textual LLVM IR to a relocatable object for [dev.deepstack.program.code.NativeCode].
/// Safe for use by many threads: each compilation has its own context, which is freed at its end.
public final class LlvmCompiler {
  /// The version of LLVM that generated IR is written for. Cache keys use it, so that a warm
  /// start need not load LLVM.
  public static final String VERSION = "20.1.7";

  // Generated code is explicit about vectors, unrolling and what to inline: what remains is to
  // clean up. LLVM's own O3 takes five to eight times as long and makes nothing faster.
  private static final String PASSES =
      "always-inline,function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,loop-mssa(licm),"
          + "gvn,instcombine<no-verify-fixpoint>,simplifycfg),globaldce";
  private static final String TRIPLE = "x86_64-unknown-linux-gnu";
  private static final Pattern PARSE_ERROR_LINE = Pattern.compile("kernels:(\\d+):");

  // The library cannot be closed: LLVM does not survive being unloaded.
  private final Arena libraryLife = Arena.ofShared();
  private final Llvm llvm;

  private LlvmCompiler(Path library) {
    llvm = new Llvm(library, libraryLife);
    llvm.initializeX86();
  }

  /// Finds and loads libLLVM: from the jar on the class path, or from the file named by
  /// `DEEPSTACK_LLVM`.
  ///
  /// @throws dev.deepstack.tensor.UnsupportedModelException if there is none
  public static LlvmCompiler open() {
    return new LlvmCompiler(LlvmLibrary.find());
  }

  /// The compiler of this process, opened on first use: LLVM can be loaded once and not be unloaded.
  ///
  /// @throws dev.deepstack.tensor.UnsupportedModelException if there is none
  public static LlvmCompiler shared() {
    try {
      return Shared.COMPILER;
    } catch (ExceptionInInitializerError e) {
      if (e.getCause() instanceof UnsupportedModelException missing) {
        throw missing;
      }
      throw e;
    }
  }

  private static final class Shared {
    static final LlvmCompiler COMPILER = open();
  }

  /// What the loaded library says it is, `20.1.7`.
  public String version() {
    return llvm.version();
  }

  /// Compiles a module to a relocatable object.
  ///
  /// @throws IllegalIrException if the text is not a valid module; the message shows the lines at
  /// fault
  public byte[] compile(String irText, CpuTarget cpu) {
    return compile(irText, cpu, Llvm.OBJECT_FILE);
  }

  /// The same in assembly language, for reading.
  public String assembly(String irText, CpuTarget cpu) {
    return new String(compile(irText, cpu, Llvm.ASSEMBLY_FILE), StandardCharsets.UTF_8);
  }

  private byte[] compile(String irText, CpuTarget cpu, int file) {
    try (var scratch = Arena.ofConfined()) {
      var context = llvm.contextCreate();
      try {
        return new Compilation(scratch, context, irText).run(cpu, file);
      } finally {
        llvm.contextDispose(context);
      }
    }
  }

  private final class Compilation {
    private final Arena scratch;
    private final MemorySegment context;
    private final String ir;
    private final MemorySegment out;
    private final MemorySegment message;
    private final List<String> errors = new ArrayList<>();

    Compilation(Arena scratch, MemorySegment context, String ir) {
      this.scratch = scratch;
      this.context = context;
      this.ir = ir;
      out = scratch.allocate(ValueLayout.ADDRESS);
      message = scratch.allocate(ValueLayout.ADDRESS);
    }

    byte[] run(CpuTarget cpu, int file) {
      llvm.setDiagnosticHandler(context, this::note, scratch);
      var module = parse();
      try {
        check(llvm.verify(module, message));
        var triple = scratch.allocateFrom(TRIPLE);
        check(llvm.targetFromTriple(triple, out, message));
        var machine =
            llvm.createMachine(
                result(),
                triple,
                scratch.allocateFrom(cpu.name()),
                scratch.allocateFrom(cpu.features()));
        try {
          llvm.retarget(module, machine, triple);
          return emit(module, machine, file);
        } finally {
          llvm.disposeMachine(machine);
        }
      } finally {
        llvm.disposeModule(module);
      }
    }

    private MemorySegment parse() {
      var text = scratch.allocateFrom(ir);
      var buffer = llvm.createBuffer(text, text.byteSize() - 1, scratch.allocateFrom("kernels"));
      check(llvm.parseIr(context, buffer, out, message));
      return result();
    }

    private byte[] emit(MemorySegment module, MemorySegment machine, int file) {
      var complaint = llvm.runPasses(module, scratch.allocateFrom(PASSES), machine);
      if (complaint != null) {
        throw new IllegalIrException(complaint, ir, 0);
      }
      check(llvm.emit(machine, module, file, message, out));
      var object = llvm.takeBuffer(result());
      if (!errors.isEmpty()) {
        throw new IllegalIrException(String.join("\n", errors), ir, 0);
      }
      return object;
    }

    private MemorySegment result() {
      return out.get(ValueLayout.ADDRESS, 0);
    }

    private void note(MemorySegment diagnostic, MemorySegment unused) {
      if (llvm.isError(diagnostic)) {
        errors.add(llvm.diagnosticText(diagnostic));
      }
    }

    private void check(boolean good) {
      if (good) {
        return;
      }
      var complaint = llvm.takeMessage(message.get(ValueLayout.ADDRESS, 0));
      var line = PARSE_ERROR_LINE.matcher(complaint);
      throw new IllegalIrException(
          complaint, ir, line.find() ? Integer.parseInt(line.group(1)) : 0);
    }
  }
}
