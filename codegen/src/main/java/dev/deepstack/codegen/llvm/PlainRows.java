package dev.deepstack.codegen.llvm;

/// Rows that lie in memory, all of them or those of a list.
final class PlainRows implements RowSource {
  private final LinearKernel kernel;
  private final Fn f;
  private final String pointers;

  PlainRows(LinearKernel kernel, Fn f) {
    this.kernel = kernel;
    this.f = f;
    pointers = f.local("ptr", Tuning.BLOCK_ROWS);
  }

  @Override
  public void begin(String first, String count) {
    kernel.rowPointers(f, pointers, first, count);
  }

  @Override
  public void copy(String i, String k, String depth, String to) {
    RowSource.copy(f, at(i, k), to, "0", depth);
  }

  /// Where column `k` of the `i`-th row of the block lies.
  String at(String i, String k) {
    return f.at(f.load("ptr", f.at(pointers, "ptr", i)), "float", k);
  }
}
