package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.codegen.tile.Step;
import dev.deepstack.codegen.tile.TileProgram;
import dev.deepstack.program.Buffer;
import dev.deepstack.program.Program;
import dev.deepstack.program.StepMemory;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/// The whole step as one function: the kernels in their order, with barriers only where one thread could overtake
/// another's data. A kernel too small to share runs on the first thread, and between such kernels there is no barrier.
///
/// A condition or loop around small kernels only is left to the first thread as a whole, which is then a team of one.
/// Otherwise all threads walk through it together: what they branch on is data that lie behind a barrier, so that all
/// see the same. Symbols that change within a step are in a table of each thread's own.
final class StepCode {
  /// Multiply-adds below which a barrier costs more than a second thread brings.
  private static final long SHARED_WORK_MIN = 16_000;
  private static final int SPINS_BEFORE_YIELD = 4000;

  private final TileProgram program;
  private final Function<Step.Run, String> functions;
  private final List<String> symbols;
  private final Set<String> changing;
  private final Fn f;
  private final KernelCode code;
  private final String dims;
  private final String hasParallel;
  private final String phase;
  private final Clock clock;
  /// Kernels since the last barrier that all passed for certain, that have counters of claimed work.
  private int claiming;
  private int written;

  /// Whether the time of each kernel is taken: then the last buffer is for cycles, one i64 for each kernel in their
  /// order and one for the whole step, and a barrier follows each kernel.
  enum Clock { NONE, EACH_KERNEL }

  private StepCode(ModuleText module, TileProgram program, Clock clock, Function<Step.Run, String> functions) {
    this.program = program;
    this.functions = functions;
    this.clock = clock;
    symbols = List.copyOf(program.symbols().keySet());
    changing = new HashSet<>(program.computed().keySet());
    changing.addAll(program.counters());
    f = module.function(Program.ENTRY, "void", "ptr buffers", "ptr dims", "ptr sync", "i64 thread", "i64 threads");
    code = new KernelCode(f, java.util.Map.of(), program.symbols(), List.of());
    dims = changing.isEmpty() ? "%dims" : ownDims();
    hasParallel = f.variable("i1", "i1 false");
    phase = f.variable("i64", "i64 0");
  }

  private String ownDims() {
    String own = f.local("i64", symbols.size());
    for (int i = 0; i < symbols.size(); i++) {
      f.store(f.load("i64", f.at("%dims", "i64", i)), f.at(own, "i64", i));
    }
    return own;
  }

  /// @param functions the function of each kernel
  static void emit(ModuleText module, TileProgram program, Clock clock, Function<Step.Run, String> functions) {
    barrier(module);
    var code = new StepCode(module, program, clock, functions);
    if (clock == Clock.NONE) {
      code.steps(program.steps(), "%threads", new ArrayList<>());
    } else {
      code.clocked();
    }
    code.f.end();
  }

  private void clocked() {
    f.module().declare("i64 @llvm.readcyclecounter()");
    long kernels = program.results().getLast().type().shape().dim(0).constant() - 1;
    f.when(f.icmp("eq", "%thread", "0"),
        () -> f.loop("0", Long.toString(kernels), 1, i -> f.store("i64 0", f.at(cycles(), "i64", i))));
    String begin = f.call("i64", "@llvm.readcyclecounter");
    steps(program.steps(), "%threads", new ArrayList<>());
    String end = f.call("i64", "@llvm.readcyclecounter");
    f.when(f.icmp("eq", "%thread", "0"), () -> f.store(f.sub(end, begin), f.at(cycles(), "i64", kernels)));
  }

  private String cycles() {
    return f.load("ptr", f.at("%buffers", "ptr", program.buffers().size() - 1));
  }

  /// Runs a kernel's code and adds the time until all threads are done with it.
  private void timed(Runnable kernel, String shared) {
    int number = written++;
    if (clock == Clock.NONE) {
      kernel.run();
      return;
    }
    String begin = f.call("i64", "@llvm.readcyclecounter");
    kernel.run();
    f.when(shared, this::arrive);
    claiming = 0;
    String end = f.call("i64", "@llvm.readcyclecounter");
    f.when(f.icmp("eq", "%thread", "0"), () -> {
      String at = f.at(cycles(), "i64", number);
      f.store(f.add(f.load("i64", at), f.sub(end, begin)), at);
    });
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

  /// @param team how many threads are here: all, or the first alone
  /// @param since what was touched since the last barrier that all passed for certain
  private void steps(List<Step> steps, String team, List<Step> since) {
    String shared = f.icmp("sgt", team, "1");
    for (Step step : steps) {
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
      switch (step) {
        case Step.Run run -> run(run, parallel, team, shared);
        case Step.When when -> region(parallel, team, inside -> when(when, inside, since));
        case Step.Repeat repeat -> region(parallel, team, inside -> repeat(repeat, inside, since));
        case Step.Bind bind -> bind(bind, shared);
        case Step.Check check -> {
          read(shared);
          requireOrEnd(condition(check.condition()), check.fault());
        }
      }
    }
  }

  private void arrive() {
    String target = f.add(f.load("i64", phase), "%threads");
    f.store(target, phase);
    f.call("void", "@barrier", "%sync", target, "%threads");
    f.store("i1 false", hasParallel);
  }

  /// All threads of a team read what a later kernel may write: as if a shared kernel had.
  private void read(String shared) {
    f.store(f.binary("or", f.load("i1", hasParallel), shared), hasParallel);
  }

  private String isParallel(Step step) {
    return switch (step) {
      case Step.Run run -> isParallel(run.work());
      case Step.When w -> anyParallel(w.steps());
      case Step.Repeat r -> anyParallel(r.steps());
      // Every thread must know.
      case Step.Bind _, Step.Check _ -> "true";
    };
  }

  private String anyParallel(List<Step> steps) {
    List<String> each = steps.stream().map(this::isParallel).toList();
    return each.contains("true") ? "true"
        : each.stream().filter(p -> !p.equals("false")).reduce((a, b) -> f.binary("or", a, b)).orElse("false");
  }

  private String isParallel(Dim work) {
    if (work.isConstant()) {
      return Boolean.toString(work.constant() >= SHARED_WORK_MIN);
    }
    // What changes within a step would have to be looked at where it is known.
    return work.symbols().stream().anyMatch(changing::contains) ? "true"
        : f.icmp("sge", code.index(work), Long.toString(SHARED_WORK_MIN));
  }

  /// Runs `body` on the whole team, or on the first thread alone.
  private void region(String parallel, String team, Consumer<String> body) {
    switch (parallel) {
      case "true" -> body.accept(team);
      case "false" -> f.when(f.icmp("eq", "%thread", "0"), () -> body.accept("1"));
      default -> f.when(f.binary("or", parallel, f.icmp("eq", "%thread", "0")),
          () -> body.accept(f.select(parallel, team, "1")));
    }
  }

  private void when(Step.When when, String team, List<Step> since) {
    read(f.icmp("sgt", team, "1"));
    String condition = condition(when.condition());
    String met = when.when() ? condition : f.binary("xor", condition, "true");
    int before = claiming;
    f.when(met, () -> steps(when.steps(), team, new ArrayList<>(since)));
    claiming = Math.max(before, claiming);
  }

  private void repeat(Step.Repeat repeat, String team, List<Step> since) {
    String shared = f.icmp("sgt", team, "1");
    String counter = f.variable("i64", "i64 0");
    String trips = repeat.trips() == null ? "" : index(repeat.trips());
    int before = claiming;
    f.whileLoop(_ -> {
      if (repeat.condition() == null) {
        return f.icmp("slt", f.load("i64", counter), trips);
      }
      read(shared);
      return condition(repeat.condition());
    }, () -> {
      String i = f.load("i64", counter);
      f.store(i, dim(repeat.counter()));
      steps(repeat.steps(), team, new ArrayList<>(since));
      f.store(f.add(i, "1"), counter);
      f.when(shared, this::arrive);
    });
    claiming = before;
  }

  private String dim(String symbol) {
    return f.at(dims, "i64", symbols.indexOf(symbol));
  }

  /// A size with the symbols as they are now.
  private String index(Dim size) {
    size.symbols().stream().filter(changing::contains)
        .forEach(s -> code.bind(Dim.symbol(s), f.load("i64", dim(s))));
    return code.index(size);
  }

  private void bind(Step.Bind bind, String shared) {
    read(shared);
    String value = f.load("i64", address(bind.value()));
    String greatest = index(bind.greatest());
    String fits = f.binary("and", f.icmp("sge", value, Long.toString(bind.least())), f.icmp("sle", value, greatest));
    requireOrEnd(fits, bind.fault());
    f.store(value, dim(bind.symbol()));
    f.when(f.icmp("eq", "%thread", "0"),
        () -> f.store(value, f.at("%dims", "i64", symbols.indexOf(bind.symbol()))));
  }

  /// Every thread sees the same condition, so all end together.
  private void requireOrEnd(String condition, int fault) {
    f.when(condition, () -> { }, () -> {
      f.when(f.icmp("eq", "%thread", "0"),
          () -> f.store("i64 " + (fault + 1), f.byteAt("%sync", StepMemory.CHECK)));
      f.ret();
    });
  }

  private String condition(Operand scalar) {
    return f.icmp("ne", f.load("i8", address(scalar)), "0");
  }

  private String address(Operand scalar) {
    String buffer = f.load("ptr", f.at("%buffers", "ptr", scalar.buffer()));
    return f.at(buffer, Registers.stored(scalar.dtype()), index(scalar.offset()));
  }

  private static boolean claims(Step.Run run) {
    return run.kernel() instanceof Kernel.Linear || run.kernel() instanceof Kernel.RoutedLinear;
  }

  private void run(Step.Run run, String parallel, String team, String shared) {
    // Without counters of its own a kernel shares its work evenly.
    String claims = "ptr null";
    if (claims(run) && claiming < StepMemory.CLAIMING_MAX) {
      String before = f.mul("%threads", (long) claiming++ * StepMemory.LINE_BYTES);
      String counters = f.at(f.byteAt("%sync", StepMemory.CLAIMS), "i8", before);
      claims = f.select(shared, counters, "ptr null");
    }
    var arguments = new ArrayList<String>();
    for (int buffer : buffers(run)) {
      arguments.add(f.load("ptr", f.at("%buffers", "ptr", buffer)));
    }
    arguments.add(dims);
    arguments.add(f.byteAt("%sync", StepMemory.FAULT));
    var single = new ArrayList<>(arguments);
    single.add("ptr null");
    arguments.add(claims);
    String function = functions.apply(run);
    Runnable alone = () -> f.when(f.icmp("eq", "%thread", "0"), () -> call(function, single, "0", "1"));
    Runnable together = () -> {
      call(function, arguments, "%thread", team);
      f.store("i1 true", hasParallel);
    };
    timed(() -> {
      switch (parallel) {
        case "true" -> together.run();
        case "false" -> alone.run();
        default -> f.when(parallel, together, alone);
      }
    }, shared);
  }

  private void call(String function, List<String> arguments, String thread, String threads) {
    var all = new ArrayList<>(arguments);
    all.add(thread);
    all.add(threads);
    f.call("void", "@" + function, all.toArray(String[]::new));
  }

  /// The buffers of a kernel's function, in the order of its parameters.
  static List<Integer> buffers(Step.Run step) {
    var all = new LinkedHashSet<>(step.reads());
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
    return Objects.requireNonNull(program.buffers().get(buffer)) instanceof Buffer.Slot s ? s : buffer;
  }
}
