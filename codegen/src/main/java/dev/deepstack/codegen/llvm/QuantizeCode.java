package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Int8Rows;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;

/// Rows of f32 to 8-bit codes with scales, exactly as [dev.deepstack.ir.Op.Int8Blocks] says. Threads share out the
/// rows, or the groups of a single row.
final class QuantizeCode {
  private final KernelCode code;
  private final Fn f;
  private final Kernel.Quantize kernel;
  private final Int8Rows form;
  private final int lanes;

  QuantizeCode(KernelCode code, Kernel.Quantize kernel) {
    this.code = code;
    this.kernel = kernel;
    f = code.f;
    form = kernel.form();
    // A group may be shorter than a vector is wide.
    lanes = Math.min(code.lanes, form.group());
  }

  void emit() {
    Dim rows = kernel.x().shape().dim(0);
    long groups = form.groups();
    String[] share = code.share(code.index(rows.times(groups)));
    f.loop(share[0], share[1], 1, item -> {
      Dim row = code.named(f.div(item, groups));
      String group = f.mod(item, groups);
      String to = code.address(kernel.out(), kernel.out().at(List.of(row, Dim.ZERO)));
      String codes = f.at(to, "i8", f.mul(group, form.group()));
      long whole = form.k() / form.group();
      Dim first = code.named(f.mul(group, form.group()));
      Runnable some = () ->
          group(code.address(kernel.x(), kernel.x().at(List.of(row, first))), codes, to, group);
      if (whole == groups) {
        some.run();
      } else {
        f.when(f.icmp("slt", group, Long.toString(whole)), some, () -> {
          for (int i = 0; i < form.group(); i += lanes) {
            f.store(Vec.zero(f, "i8", lanes), f.byteAt(codes, i));
          }
          put(to, group, Fn.f32(0), "i32 0", Fn.f32(0));
        });
      }
    });
  }

  private void group(String from, String codes, String row, String group) {
    var values = new ArrayList<String>();
    String most = "";
    for (int i = 0; i < form.group(); i += lanes) {
      String v = f.load(Fn.vector("float", lanes), f.at(from, "float", i));
      values.add(v);
      String size = f.abs(v);
      most = most.isEmpty() ? size : f.fmaxFast(most, size);
    }
    String largest = Vec.reduceMax(f, most);
    String some = f.fcmp("ogt", largest, Fn.f32(0));
    String inverse = f.select(some, f.fdiv(Fn.f32(127), largest), Fn.f32(0));
    String factor = Vec.splat(f, inverse, lanes);
    String sums = "";
    for (int i = 0; i < values.size(); i++) {
      String scaled = f.value(Fn.vector("float", lanes), "fmul " + f.typed(values.get(i)) + ", " + factor);
      String rounded = f.intrinsic("llvm.roundeven", Fn.vector("float", lanes), scaled);
      String integer = f.cast("fptosi", rounded, "i32");
      sums = sums.isEmpty() ? integer : f.add(sums, integer);
      f.store(f.cast("trunc", integer, "i8"), f.byteAt(codes, (long) i * lanes));
    }
    String sum = Vec.reduceAdd(f, sums);
    String scale = f.fdiv(largest, Fn.f32(127));
    put(row, group, scale, sum, f.fmul(scale, f.cast("sitofp", sum, "float")));
  }

  private void put(String row, String group, String scale, String sum, String scaledSum) {
    store(scale, f.at(f.byteAt(row, form.scales()), "float", group));
    store(sum, f.at(f.byteAt(row, form.sums()), "i32", group));
    store(scaledSum, f.at(f.byteAt(row, form.scaledSums()), "float", group));
  }

  private void store(String value, String pointer) {
    f.store(Registers.materialize(f, value), pointer);
  }
}
