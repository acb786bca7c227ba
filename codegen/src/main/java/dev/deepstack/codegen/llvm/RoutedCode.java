package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.LinearSpec.Rows;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.ir.Op;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;

/// Routed linear layers. One token streams the chosen experts' panels one after another; many tokens are listed by
/// expert first, so that each chosen expert is read once. Experts nobody chose are never touched. All threads share out
/// the panels of every expert, or for one token claim pieces of them, so their work is even however the router chose.
final class RoutedCode {
  private final Kernel.RoutedLinear kernel;
  private final WeightRecipe recipe;
  private final KernelScope scope;

  RoutedCode(Kernel.RoutedLinear kernel, WeightRecipe recipe, KernelScope scope) {
    this.kernel = kernel;
    this.recipe = recipe;
    this.scope = scope;
  }

  private boolean isShared() {
    return kernel.x().shape().rank() == 2;
  }

  void emit(ModuleText module, String name) {
    var spec = new LinearSpec(name + ".expert", recipe.dtype(), recipe.blocks(), LinearCode.tiles(kernel.scales()),
        recipe.rows(), recipe.k(), Rows.LISTED_I64, LinearCode.isBf16(((Op.RoutedLinear) kernel.product().op()).x()),
        List.of("ptr out", "i64 outStride", "ptr places"));
    // Result row i belongs to the i-th listed pair of a token and a choice.
    LinearKernel.emit(module, spec, (f, results, row, column, _) -> {
      String place = f.load("i64", f.at("%places", "i64", row));
      f.store(results, f.at("%out", "float", f.add(f.mul(place, "%outStride"), column)));
    });
    var layout = LinearKernel.layout(spec, module.cpu());
    long expertBytes = layout.bytes();
    long pieces = LinearKernel.pieces(layout);
    var f = scope.function(module, name);
    var code = scope.code(f);
    String choices = code.index(kernel.ids().shape().dim(1));
    String pairs = f.mul(code.index(kernel.ids().shape().dim(0)), choices);
    // Each thread keeps lists of its own: the rows of x and the places in the result.
    String lists = f.at(code.buffer(kernel.scratch()), "i64", f.mul("%thread", f.add(f.mul(pairs, 2), 8)));
    String places = f.at(lists, "i64", pairs);
    String few = f.icmp("sle", pairs, choices);
    f.when(few,
        () -> Claims.each(f, f.mul(pairs, pieces), item -> {
          String pair = f.div(item, pieces);
          f.store(row(f, pair, choices), lists);
          f.store(pair, places);
          var arguments = arguments(code, expertBytes, expert(code, pair, choices), "i64 1", lists, places);
          LinearKernel.callPiece(f, spec, layout, f.mod(item, pieces), arguments);
        }),
        () -> f.loop("0", Long.toString(recipe.groups()), 1, expert -> {
          String count = list(code, expert, pairs, choices, lists, places);
          f.when(f.icmp("sgt", count, "0"), () -> call(code, name, expertBytes, expert, count, lists, places));
        }));
    f.end();
  }

  private String row(Fn f, String pair, String choices) {
    return isShared() ? f.binary("udiv", pair, choices) : f.add(pair, "0");
  }

  private String expert(KernelCode code, String pair, String choices) {
    Fn f = code.f;
    Dim token = code.named(f.binary("udiv", pair, choices));
    Dim choice = code.named(f.binary("urem", pair, choices));
    Operand ids = kernel.ids();
    String id = Registers.load(f, ids.dtype(), code.address(ids, ids.at(List.of(token, choice))), 1);
    return code.checked(id, Dim.of(recipe.groups()));
  }

  /// Lists the pairs that chose the expert and returns their number.
  private String list(KernelCode code, String expert, String pairs, String choices, String lists, String places) {
    Fn f = code.f;
    return f.loop("0", pairs, 1, List.of("i64 0"), (pair, count) -> {
      String hit = f.icmp("eq", expert(code, pair, choices), expert);
      // Stored in any case and kept only when it counts: no branch to mispredict.
      f.store(row(f, pair, choices), f.at(lists, "i64", count.getFirst()));
      f.store(pair, f.at(places, "i64", count.getFirst()));
      return List.of(f.add(count.getFirst(), f.cast("zext", hit, "i64")));
    }).getFirst();
  }

  private void call(
      KernelCode code, String name, long expertBytes, String expert, String rows, String lists, String places) {
    var arguments = new ArrayList<>(arguments(code, expertBytes, expert, rows, lists, places));
    arguments.addAll(List.of("ptr null", "%thread", "%threads"));
    code.f.call("void", "@" + name + ".expert", arguments.toArray(String[]::new));
  }

  private List<String> arguments(
      KernelCode code, long expertBytes, String expert, String rows, String lists, String places) {
    Fn f = code.f;
    Operand x = kernel.x();
    int axis = isShared() ? 0 : 1;
    String stride = code.index(x.strides().get(axis));
    String weights = f.at(code.buffer(kernel.weight()), "i8", f.mul(expert, expertBytes));
    String out = code.address(kernel.out(), kernel.out().offset());
    String outStride = Long.toString(recipe.rows());
    var arguments = new ArrayList<>(List.of(code.address(x, x.offset()), stride, weights, rows, lists));
    Kernel.Scales scales = kernel.scales();
    if (scales != null) {
      // As many rows of tiles for each expert.
      Operand tiles = scales.tiles();
      long each = tiles.shape().dim(0).constant() / recipe.groups() * tiles.strides().get(0).constant();
      arguments.add(f.at(code.address(tiles, tiles.offset()), "float", f.mul(expert, each)));
    }
    arguments.addAll(List.of(out, outStride, places));
    return arguments;
  }
}
