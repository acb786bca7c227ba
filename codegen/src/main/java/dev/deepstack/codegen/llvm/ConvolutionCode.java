package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.LinearSpec.Rows;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.program.WeightRecipe;
import java.util.ArrayList;

/// Convolutions: the packed-matrix kernel over rows that are windows, which [WindowRows] gathers block by block; what
/// follows element by element is the epilogue.
final class ConvolutionCode {
  private final Kernel.Convolution kernel;
  private final WeightRecipe recipe;
  private final KernelScope scope;

  ConvolutionCode(Kernel.Convolution kernel, WeightRecipe recipe, KernelScope scope) {
    this.kernel = kernel;
    this.recipe = recipe;
    this.scope = scope;
  }

  /// Writes the kernel as function `name` of the module.
  void emit(ModuleText module, String name) {
    var spec = new LinearSpec(
        name + ".product", recipe.dtype(), recipe.rows(), recipe.columns(), Rows.ALL, scope.context());
    LinearKernel.emit(module, spec,
        (f, results, row, column, lanes) -> LinearCode.store(scope.code(f), kernel.product(), kernel.root(),
            kernel.out(), results, row, column, lanes),
        f -> new WindowRows(scope.code(f), kernel));
    var f = scope.function(module, name);
    var code = scope.code(f);
    var arguments = new ArrayList<String>();
    arguments.add(code.buffer(kernel.x().buffer()));
    arguments.add("i64 0");
    arguments.add(code.buffer(kernel.weight()));
    arguments.add(LinearCode.integer(code.index(kernel.out().shape().dim(0))));
    arguments.addAll(f.parameters());
    f.call("void", "@" + name + ".product", arguments.toArray(String[]::new));
    f.end();
  }
}
