package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.TileProgram;
import dev.deepstack.codegen.tile.TileProgram.Step;
import dev.deepstack.program.Buffer;
import dev.deepstack.program.Program;
import dev.deepstack.program.StepMemory;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// The whole step as one function: the kernels in their order, with barriers only where one thread could overtake
/// another's data. A kernel too small to share runs on the first thread, and between such kernels there is no barrier.
final class StepCode {
  /// Multiply-adds below which a barrier costs more than a second thread brings.
  private static final long SHARED_WORK_MIN = 16_000;
  private static final int SPINS_BEFORE_YIELD = 4000;

  private final TileProgram program;
  private final List<String> functions;
  private final Fn f;
  private final KernelCode code;
  private final String hasParallel;
  private final String phase;

  private StepCode(ModuleText module, TileProgram program, List<String> functions) {
    this.program = program;
    this.functions = functions;
    f = module.function(Program.ENTRY, "void", "ptr buffers", "ptr dims", "ptr sync", "i64 thread", "i64 threads");
    code = new KernelCode(f, program.memory(), program.graph().symbols(), List.of());
    hasParallel = f.variable("i1", "i1 false");
    phase = f.variable("i64", "i64 0");
  }

  /// @param functions the function of each step's kernel
  static void emit(ModuleText module, TileProgram program, List<String> functions) {
    barrier(module);
    new StepCode(module, program, functions).emit();
  }

  /// Counts arrivals; the last one of a round sets the claims back and releases all. The others spin, then give their
  /// time slices away.
  private static void barrier(ModuleText module) {
    module.declare("i32 @sched_yield()");
    module.declare("void @llvm.x86.sse2.pause()");
    var f = module.internal("barrier", "void", "ptr sync", "i64 target", "i64 threads");
    String before = f.value("i64", "atomicrmw add ptr %sync, i64 1 acq_rel");
    String released = f.byteAt("%sync", StepMemory.RELEASED);
    f.when(f.icmp("eq", f.add(before, 1), "%target"), () -> {
      String claims = f.byteAt("%sync", StepMemory.CLAIMS);
      f.loop("0", f.mul("%threads", StepMemory.CLAIMING_MAX), 1,
          i -> f.store("i64 0", f.at(claims, "i8", f.mul(i, StepMemory.LINE_BYTES))));
      f.line("store atomic i64 %target, ptr " + released + " release, align 8");
    }, () -> await(f, released));
    f.end();
  }

  private static void await(Fn f, String released) {
    String spins = f.variable("i64", "i64 0");
    f.whileLoop(g -> g.icmp("slt", g.value("i64", "load atomic i64, ptr " + released + " acquire, align 8"), "%target"),
        () -> {
          String n = f.add(f.load("i64", spins), "1");
          f.store(n, spins);
          f.when(f.icmp("sgt", n, Integer.toString(SPINS_BEFORE_YIELD)),
              () -> f.call("i32", "@sched_yield"), () -> f.call("void", "@llvm.x86.sse2.pause"));
        });
  }

  private void emit() {
    String fault = f.byteAt("%sync", StepMemory.FAULT);
    String shared = f.icmp("sgt", "%threads", "1");
    var since = new ArrayList<Step>();
    int claiming = 0;
    for (int i = 0; i < program.steps().size(); i++) {
      Step step = program.steps().get(i);
      String parallel = isParallel(step);
      if (since.stream().anyMatch(s -> conflicts(s, step))) {
        String needed = f.binary("and", shared, f.binary("or", f.load("i1", hasParallel), parallel));
        f.when(needed, this::arrive);
        if (parallel.equals("true")) {
          since.clear();
          claiming = 0;
        }
      }
      since.add(step);
      // Without counters of its own a kernel shares its work evenly.
      String claims = "ptr null";
      if (claims(step) && claiming < StepMemory.CLAIMING_MAX) {
        String before = f.mul("%threads", claiming++ * StepMemory.LINE_BYTES);
        String counters = f.at(f.byteAt("%sync", StepMemory.CLAIMS), "i8", before);
        claims = f.select(shared, counters, "ptr null");
      }
      call(step, functions.get(i), parallel, List.of(fault, claims));
    }
    f.end();
  }

  private void arrive() {
    String target = f.add(f.load("i64", phase), "%threads");
    f.store(target, phase);
    f.call("void", "@barrier", "%sync", target, "%threads");
    f.store("i1 false", hasParallel);
  }

  private String isParallel(Step step) {
    Dim work = step.work();
    return work.isConstant() ? Boolean.toString(work.constant() >= SHARED_WORK_MIN)
        : f.icmp("sge", code.index(work), Long.toString(SHARED_WORK_MIN));
  }

  private static boolean claims(Step step) {
    return step.kernel() instanceof Kernel.Linear || step.kernel() instanceof Kernel.RoutedLinear;
  }

  private void call(Step step, String function, String parallel, List<String> faultAndClaims) {
    var arguments = new ArrayList<String>();
    for (int buffer : buffers(step)) {
      arguments.add(f.load("ptr", f.at("%buffers", "ptr", buffer)));
    }
    arguments.add("%dims");
    var single = new ArrayList<>(arguments);
    single.addAll(List.of(faultAndClaims.getFirst(), "ptr null"));
    arguments.addAll(faultAndClaims);
    Runnable alone = () -> f.when(f.icmp("eq", "%thread", "0"), () -> call(function, single, "0", "1"));
    Runnable together = () -> {
      call(function, arguments, "%thread", "%threads");
      f.store("i1 true", hasParallel);
    };
    switch (parallel) {
      case "true" -> together.run();
      case "false" -> alone.run();
      default -> f.when(parallel, together, alone);
    }
  }

  private void call(String function, List<String> arguments, String thread, String threads) {
    var all = new ArrayList<>(arguments);
    all.add(thread);
    all.add(threads);
    f.call("void", "@" + function, all.toArray(String[]::new));
  }

  /// The buffers of a kernel's function, in the order of its parameters.
  static List<Integer> buffers(Step step) {
    var all = new java.util.LinkedHashSet<>(step.reads());
    all.addAll(step.writes());
    return List.copyOf(all);
  }

  private boolean conflicts(Step earlier, Step later) {
    return meet(earlier.writes(), later.reads()) || meet(earlier.writes(), later.writes())
        || meet(earlier.reads(), later.writes());
  }

  private boolean meet(List<Integer> a, List<Integer> b) {
    Set<Object> places = new HashSet<>();
    a.forEach(x -> places.add(place(x)));
    return b.stream().anyMatch(x -> places.contains(place(x)));
  }

  /// Buffers in one slot of the arena are one place.
  private Object place(int buffer) {
    return program.buffers().get(buffer) instanceof Buffer.Slot s ? s : buffer;
  }
}
