package dev.deepstack.codegen.llvm;

/// What happens to finished results of a matrix kernel: the owner of the fusion writes the code
/// that adds the bias, applies the activation and stores.
@FunctionalInterface
public interface Epilogue {

  /// Emits code for the results of one row in `lanes` neighbouring columns.
  ///
  /// @param f the function being written; the context parameters of the [LinearSpec] are its
  /// values (`%out`, `%bias`)
  /// @param results a `float` (one lane) or a `<lanes x float>`
  /// @param row the row as i64: of the output, so with listed rows the position in the list
  /// @param column the first column as i64
  /// @param lanes 1, or the lanes of the target
  void store(Fn f, String results, String row, String column, int lanes);

  /// Stores f32 results as they are to `%out`, whose rows are `%outStride` elements apart: the
  /// context must hold `ptr out` and `i64 outStride`.
  static Epilogue plain() {
    return (f, results, row, column, lanes) -> {
      var at = f.add(f.mul(row, "%outStride"), column);
      f.store(results, f.at("%out", "float", at));
    };
  }
}
