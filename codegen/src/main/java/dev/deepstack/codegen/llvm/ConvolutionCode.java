package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.LinearSpec.Rows;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.ir.Value;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.DimRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// Convolutions: the packed-matrix kernel over rows that are windows, which [WindowRows] gathers block by block; what
/// follows element by element is the epilogue.
final class ConvolutionCode {
  private final Kernel.Convolution kernel;
  private final WeightRecipe recipe;
  private final Map<Value, Operand> memory;
  private final SequencedMap<String, DimRange> symbols;
  private final List<Integer> buffers;

  ConvolutionCode(
      Kernel.Convolution kernel, WeightRecipe recipe, Map<Value, Operand> memory,
      SequencedMap<String, DimRange> symbols, List<Integer> buffers) {
    this.kernel = kernel;
    this.recipe = recipe;
    this.memory = memory;
    this.symbols = symbols;
    this.buffers = buffers;
  }

  /// Writes the kernel as function `name` of the module.
  void emit(ModuleText module, String name) {
    var context = new ArrayList<>(KernelCode.parameters(buffers.size()));
    context.removeLast();
    context.removeLast();
    context.removeLast();
    var spec =
        new LinearSpec(name + ".product", recipe.dtype(), recipe.rows(), recipe.columns(), Rows.ALL, context);
    LinearKernel.emit(module, spec,
        (f, results, row, column, lanes) -> LinearCode.store(code(f), kernel.product(), kernel.root(), kernel.out(),
            results, row, column, lanes),
        f -> new WindowRows(code(f), kernel));
    var f = module.function(name, "void", KernelCode.parameters(buffers.size()).toArray(String[]::new));
    var code = code(f);
    String rows = code.index(kernel.out().shape().dim(0));
    var arguments = new ArrayList<String>();
    arguments.add(code.buffer(kernel.x().buffer()));
    arguments.add("i64 0");
    arguments.add(code.buffer(kernel.weight()));
    arguments.add(rows.startsWith("%") ? rows : "i64 " + rows);
    arguments.addAll(f.parameters());
    f.call("void", "@" + name + ".product", arguments.toArray(String[]::new));
    f.end();
  }

  private KernelCode code(Fn f) {
    return new KernelCode(f, memory, symbols, buffers);
  }
}
