package dev.deepstack.codegen.llvm;

import dev.deepstack.program.StepMemory;
import java.util.function.Consumer;

/// Shares out the pieces of a kernel's work so that all threads end together, however fast each of them is: every
/// thread claims pieces of its own part one after another, and then what is left of the others' parts. Each part is
/// read in order, as memory likes it.
///
/// A kernel that is called with `claims` gets a counter for each thread, a cache line apart, all 0; the barrier that
/// follows sets them back. Without (`null`) every thread computes its part.
final class Claims {
  private Claims() {}

  /// Runs `piece` with the number of each piece below `total` that is this thread's to compute. The function needs
  /// parameters `claims`, `thread` and `threads`.
  static void each(Fn f, String total, Consumer<String> piece) {
    f.when(f.icmp("eq", f.cast("ptrtoint", "%claims", "i64"), "0"),
        () -> f.loop(part(f, total, "%thread"), part(f, total, f.add("%thread", 1)), 1, piece),
        () -> f.loop("0", "%threads", 1,
            n -> claim(f, total, f.binary("urem", f.add("%thread", n), "%threads"), piece)));
  }

  private static void claim(Fn f, String total, String owner, Consumer<String> piece) {
    String counter = f.at("%claims", "i8", f.mul(owner, StepMemory.LINE_BYTES));
    String first = part(f, total, owner);
    String end = part(f, total, f.add(owner, 1));
    String next = f.variable("i64", "i64 0");
    f.whileLoop(g -> {
      g.store(g.add(first, g.value("i64", "atomicrmw add ptr " + counter + ", i64 1 monotonic")), next);
      return g.icmp("slt", g.load("i64", next), end);
    }, () -> piece.accept(f.load("i64", next)));
  }

  /// Where the part of a thread begins, of `total` equal pieces; that of the next thread begins where it ends.
  static String part(Fn f, String total, String thread) {
    return f.binary("udiv", f.mul(total, thread), "%threads");
  }
}
