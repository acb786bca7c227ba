package dev.deepstack.codegen.llvm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The part of LLVM's C interface that compiling needs, bound by hand. Method names are LLVM's
/// without the prefix. Pointers are zero-length segments; nothing here frees or remembers
/// anything.
final class Llvm {
  static final int OPTIMIZE_AGGRESSIVE = 3;
  static final int RELOCATION_PIC = 2;
  static final int CODE_MODEL_SMALL = 3;
  static final int ASSEMBLY_FILE = 0;
  static final int OBJECT_FILE = 1;

  private static final int RETURN_STATUS_ACTION = 2;

  private final SymbolLookup library;
  private final MethodHandle contextCreate;
  private final MethodHandle contextDispose;
  private final MethodHandle setDiagnosticHandler;
  private final MethodHandle getDiagnosticText;
  private final MethodHandle getDiagnosticSeverity;
  private final MethodHandle createBuffer;
  private final MethodHandle parseIr;
  private final MethodHandle verify;
  private final MethodHandle disposeModule;
  private final MethodHandle disposeMessage;
  private final MethodHandle targetFromTriple;
  private final MethodHandle createMachine;
  private final MethodHandle disposeMachine;
  private final MethodHandle setTarget;
  private final MethodHandle dataLayout;
  private final MethodHandle setDataLayout;
  private final MethodHandle disposeDataLayout;
  private final MethodHandle createPassOptions;
  private final MethodHandle disposePassOptions;
  private final MethodHandle runPasses;
  private final MethodHandle errorMessage;
  private final MethodHandle disposeErrorMessage;
  private final MethodHandle emit;
  private final MethodHandle bufferStart;
  private final MethodHandle bufferSize;
  private final MethodHandle disposeBuffer;
  private final MethodHandle getVersion;

  /// Opens the shared library, which stays open as long as `arena` lives.
  Llvm(Path sharedLibrary, Arena arena) {
    library = SymbolLookup.libraryLookup(sharedLibrary, arena);
    contextCreate = bind("ContextCreate", ADDRESS);
    contextDispose = bindVoid("ContextDispose", ADDRESS);
    setDiagnosticHandler = bindVoid("ContextSetDiagnosticHandler", ADDRESS, ADDRESS, ADDRESS);
    getDiagnosticText = bind("GetDiagInfoDescription", ADDRESS, ADDRESS);
    getDiagnosticSeverity = bind("GetDiagInfoSeverity", JAVA_INT, ADDRESS);
    createBuffer =
        bind("CreateMemoryBufferWithMemoryRangeCopy", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    parseIr = bind("ParseIRInContext", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    verify = bind("VerifyModule", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS);
    disposeModule = bindVoid("DisposeModule", ADDRESS);
    disposeMessage = bindVoid("DisposeMessage", ADDRESS);
    targetFromTriple = bind("GetTargetFromTriple", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
    createMachine =
        bind(
            "CreateTargetMachine",
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT);
    disposeMachine = bindVoid("DisposeTargetMachine", ADDRESS);
    setTarget = bindVoid("SetTarget", ADDRESS, ADDRESS);
    dataLayout = bind("CreateTargetDataLayout", ADDRESS, ADDRESS);
    setDataLayout = bindVoid("SetModuleDataLayout", ADDRESS, ADDRESS);
    disposeDataLayout = bindVoid("DisposeTargetData", ADDRESS);
    createPassOptions = bind("CreatePassBuilderOptions", ADDRESS);
    disposePassOptions = bindVoid("DisposePassBuilderOptions", ADDRESS);
    runPasses = bind("RunPasses", ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    errorMessage = bind("GetErrorMessage", ADDRESS, ADDRESS);
    disposeErrorMessage = bindVoid("DisposeErrorMessage", ADDRESS);
    emit =
        bind(
            "TargetMachineEmitToMemoryBuffer",
            JAVA_INT,
            ADDRESS,
            ADDRESS,
            JAVA_INT,
            ADDRESS,
            ADDRESS);
    bufferStart = bind("GetBufferStart", ADDRESS, ADDRESS);
    bufferSize = bind("GetBufferSize", JAVA_LONG, ADDRESS);
    disposeBuffer = bindVoid("DisposeMemoryBuffer", ADDRESS);
    getVersion = bindVoid("GetVersion", ADDRESS, ADDRESS, ADDRESS);
  }

  /// `20.1.7`
  String version() {
    try (var scratch = Arena.ofConfined()) {
      var parts = scratch.allocate(JAVA_INT, 3);
      call(getVersion, parts.asSlice(0), parts.asSlice(4), parts.asSlice(8));
      return parts.getAtIndex(JAVA_INT, 0)
          + "."
          + parts.getAtIndex(JAVA_INT, 1)
          + "."
          + parts.getAtIndex(JAVA_INT, 2);
    }
  }

  void initializeX86() {
    for (String part :
        new String[] {"TargetInfo", "Target", "TargetMC", "AsmPrinter", "AsmParser"}) {
      call(bindVoid("InitializeX86" + part));
    }
  }

  MemorySegment contextCreate() {
    return pointer(call(contextCreate));
  }

  void contextDispose(MemorySegment context) {
    call(contextDispose, context);
  }

  /// Without a handler LLVM ends the process when code generation meets an error.
  void setDiagnosticHandler(MemorySegment context, DiagnosticHandler handler, Arena arena) {
    try {
      var type = MethodType.methodType(void.class, MemorySegment.class, MemorySegment.class);
      var target =
          MethodHandles.lookup()
              .findVirtual(DiagnosticHandler.class, "report", type)
              .bindTo(handler);
      var stub =
          Linker.nativeLinker()
              .upcallStub(target, FunctionDescriptor.ofVoid(ADDRESS, ADDRESS), arena);
      call(setDiagnosticHandler, context, stub, MemorySegment.NULL);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  /// Receives what LLVM has to say about a module.
  interface DiagnosticHandler {
    void report(MemorySegment diagnostic, MemorySegment unused);
  }

  boolean isError(MemorySegment diagnostic) {
    return (int) call(getDiagnosticSeverity, diagnostic) == 0;
  }

  String diagnosticText(MemorySegment diagnostic) {
    return takeMessage(pointer(call(getDiagnosticText, diagnostic)));
  }

  MemorySegment createBuffer(MemorySegment bytes, long length, MemorySegment name) {
    return pointer(call(createBuffer, bytes, length, name));
  }

  /// Takes over `buffer`. Returns false and sets `message` if the text is not a module.
  boolean parseIr(
      MemorySegment context, MemorySegment buffer, MemorySegment module, MemorySegment message) {
    return (int) call(parseIr, context, buffer, module, message) == 0;
  }

  boolean verify(MemorySegment module, MemorySegment message) {
    return (int) call(verify, module, RETURN_STATUS_ACTION, message) == 0;
  }

  void disposeModule(MemorySegment module) {
    call(disposeModule, module);
  }

  boolean targetFromTriple(MemorySegment triple, MemorySegment target, MemorySegment message) {
    return (int) call(targetFromTriple, triple, target, message) == 0;
  }

  MemorySegment createMachine(
      MemorySegment target, MemorySegment triple, MemorySegment cpu, MemorySegment features) {
    return pointer(
        call(
            createMachine,
            target,
            triple,
            cpu,
            features,
            OPTIMIZE_AGGRESSIVE,
            RELOCATION_PIC,
            CODE_MODEL_SMALL));
  }

  void disposeMachine(MemorySegment machine) {
    call(disposeMachine, machine);
  }

  void retarget(MemorySegment module, MemorySegment machine, MemorySegment triple) {
    call(setTarget, module, triple);
    var layout = pointer(call(dataLayout, machine));
    call(setDataLayout, module, layout);
    call(disposeDataLayout, layout);
  }

  /// Returns LLVM's complaint, or null when the passes ran.
  @Nullable String runPasses(MemorySegment module, MemorySegment passes, MemorySegment machine) {
    var options = pointer(call(createPassOptions));
    var error = pointer(call(runPasses, module, passes, machine, options));
    call(disposePassOptions, options);
    if (error.address() == 0) {
      return null;
    }
    var message = pointer(call(errorMessage, error));
    var text = text(message);
    call(disposeErrorMessage, message);
    return text;
  }

  boolean emit(
      MemorySegment machine,
      MemorySegment module,
      int file,
      MemorySegment message,
      MemorySegment buffer) {
    return (int) call(emit, machine, module, file, message, buffer) == 0;
  }

  /// Copies the contents of `buffer` and frees it.
  byte[] takeBuffer(MemorySegment buffer) {
    long size = (long) call(bufferSize, buffer);
    var bytes = pointer(call(bufferStart, buffer)).reinterpret(size).toArray(JAVA_BYTE);
    call(disposeBuffer, buffer);
    return bytes;
  }

  /// Copies `message` and frees it.
  String takeMessage(MemorySegment message) {
    if (message.address() == 0) {
      return "";
    }
    var text = text(message);
    call(disposeMessage, message);
    return text;
  }

  private static String text(MemorySegment message) {
    return message.reinterpret(Integer.MAX_VALUE).getString(0);
  }

  private static MemorySegment pointer(Object result) {
    return (MemorySegment) result;
  }

  // Compiling a module makes some thirty calls: the cost of a generic invocation does not matter
  // here.
  private static Object call(MethodHandle function, Object... arguments) {
    try {
      return function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError("a call into LLVM threw", e);
    }
  }

  private MethodHandle bind(String name, MemoryLayout result, MemoryLayout... parameters) {
    return bind(name, FunctionDescriptor.of(result, parameters));
  }

  private MethodHandle bindVoid(String name, MemoryLayout... parameters) {
    return bind(name, FunctionDescriptor.ofVoid(parameters));
  }

  private MethodHandle bind(String name, FunctionDescriptor type) {
    return Linker.nativeLinker().downcallHandle(library.findOrThrow("LLVM" + name), type);
  }
}
