package dev.deepstack.codegen.llvm;

/// Where the rows of a product with many rows come from: they are copied, a block of rows and a slab of columns at a
/// time, to where tiles read them.
interface RowSource {
  /// Emits what must be known about `count` rows from `first` on.
  void begin(String first, String count);

  /// Emits the copy of `depth` columns from `k` on of the `i`-th row of the block to `to`, in the form
  /// that tiles take.
  void copy(String i, String k, String depth, String to);

  /// Emits the copy of floats `from` up to `end` of one array to the same places of another.
  static void copy(Fn f, String from, String to, String begin, String end) {
    Vec.over(f, begin, end, f.module().lanes(), (j, lanes) ->
        f.store(f.load(Fn.vector("float", lanes), f.at(from, "float", j)), f.at(to, "float", j)));
  }
}
