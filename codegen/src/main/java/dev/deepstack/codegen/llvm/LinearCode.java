package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.Expressions.Lane;
import dev.deepstack.codegen.llvm.LinearSpec.Rows;
import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Linear layers: the packed-matrix kernel with the root's element-wise work as its epilogue.
final class LinearCode {
  private final Kernel.Linear kernel;
  private final WeightRecipe recipe;
  private final KernelScope scope;

  LinearCode(Kernel.Linear kernel, WeightRecipe recipe, KernelScope scope) {
    this.kernel = kernel;
    this.recipe = recipe;
    this.scope = scope;
  }

  /// Writes the kernel as function `name` of the module.
  void emit(ModuleText module, String name) {
    Kernel.Scales scales = kernel.scales();
    var spec = new LinearSpec(name + ".linear", recipe.dtype(), recipe.blocks(), tiles(scales), recipe.rows(),
        recipe.k(), Rows.ALL, isBf16(((Op.Linear) kernel.product().op()).x()), scope.context());
    LinearKernel.emit(module, spec, this::store);
    var f = scope.function(module, name);
    var code = scope.code(f);
    var arguments = new ArrayList<String>();
    arguments.add(code.address(kernel.x(), kernel.x().offset()));
    arguments.add(integer(code.index(kernel.x().strides().get(0))));
    arguments.add(code.buffer(kernel.weight()));
    arguments.add(integer(code.index(kernel.x().shape().dim(0))));
    if (scales != null) {
      arguments.add(code.address(scales.tiles(), scales.tiles().offset()));
    }
    arguments.addAll(f.parameters());
    f.call("void", "@" + name + ".linear", arguments.toArray(String[]::new));
    f.end();
  }

  static LinearSpec.@Nullable Tiles tiles(Kernel.@Nullable Scales scales) {
    return scales == null ? null
        : new LinearSpec.Tiles(scales.rows(), scales.columns(), scales.tiles().strides().get(0).constant());
  }

  /// Whether a value was rounded to bf16, so that bf16 says it exactly.
  static boolean isBf16(Value x) {
    return switch (x.op()) {
      case Op.Cast(var narrow, DType _) -> narrow.type().dtype() == DType.BF16;
      case Op.View view -> isBf16(view.x());
      default -> false;
    };
  }

  /// An i64 argument with its type.
  static String integer(String value) {
    return value.startsWith("%") ? value : "i64 " + value;
  }

  private void store(Fn f, String results, String row, String column, int lanes) {
    store(scope.code(f), kernel.product(), kernel.root(), kernel.out(), results, row, column, lanes);
  }

  /// Computes `root` from some columns of a row of `product` and stores it.
  static void store(
      KernelCode code, Value product, Value root, Operand out, String results, String row, String column,
      int lanes) {
    Shape rows = out.shape();
    Dim r = code.indexing.counter(rows.dim(0));
    Dim c = code.indexing.counter(rows.dim(1));
    code.bind(r, row);
    code.bind(c, column);
    var lane = lanes == 1 ? Lane.SCALAR : new Lane(Indexing.name(c), lanes);
    String value = results;
    if (!root.equals(product)) {
      var expressions = new Expressions(code);
      expressions.give(product, results);
      var index = code.indexing.reshape(List.of(r, c), rows, root.type().shape());
      value = expressions.computed(root, index, lane);
    }
    Stores.store(code, out, List.of(r, c), value, lane);
  }
}
