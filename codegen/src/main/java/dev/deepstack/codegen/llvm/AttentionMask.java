package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.AttentionBlocks;
import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;

/// The mask of attention by blocks: which keys a row need not look at, and a block's part of a row as plain memory.
final class AttentionMask {
  /// Keys that are looked at in one go.
  private static final int CHUNK = 32;

  private final KernelCode code;
  private final Fn f;
  private final Operand mask;
  private final String room;

  AttentionMask(KernelCode code, Operand mask) {
    this.code = code;
    this.mask = mask;
    f = code.f;
    room = f.local(stored(), AttentionBlocks.KEYS);
  }

  /// The dtype of a block's part: additive masks become f32.
  DType dtype() {
    return mask.dtype() == DType.BOOL ? DType.BOOL : DType.F32;
  }

  private String stored() {
    return Registers.stored(dtype());
  }

  /// Where a row's mask begins, in elements.
  String row(List<Dim> head, Dim t) {
    var index = new ArrayList<>(head);
    index.add(t);
    index.add(Dim.ZERO);
    return code.index(mask.at(Indexing.broadcast(index, mask.shape())));
  }

  /// Elements from one key to the next.
  private Dim stride() {
    return mask.shape().rank() == 0 || mask.shape().dim(-1).is(1) ? Dim.ZERO : mask.strides().getLast();
  }

  private boolean isPlain() {
    return stride().is(1) && mask.dtype() == dtype();
  }

  private String at(String row, String key) {
    return f.at(code.buffer(mask.buffer()), Registers.stored(mask.dtype()), f.add(row, key));
  }

  /// Keys `[begin, end)` outside of which the row's mask lets nothing through, of the keys `[0, keys)`.
  List<String> open(String row, String keys) {
    if (!isPlain()) {
      return List.of("0", keys);
    }
    String begin = f.variable("i64", "0");
    String end = f.variable("i64", keys);
    String chunk = Integer.toString(CHUNK);
    f.when(f.icmp("sge", keys, chunk), () -> {
      f.whileLoop(_ -> {
        String n = f.load("i64", end);
        String closed = isClosed(row, f.max(f.sub(n, chunk), "0"));
        return f.binary("and", f.icmp("sge", n, chunk), closed);
      }, () -> f.store(f.sub(f.load("i64", end), chunk), end));
      f.whileLoop(_ -> {
        String n = f.load("i64", begin);
        String closed = isClosed(row, f.min(n, f.sub(keys, chunk)));
        return f.binary("and", f.icmp("sle", f.add(n, CHUNK), f.load("i64", end)), closed);
      }, () -> f.store(f.add(f.load("i64", begin), CHUNK), begin));
    });
    return List.of(f.load("i64", begin), f.load("i64", end));
  }

  private String isClosed(String row, String key) {
    String at = at(row, key);
    String open = mask.dtype() == DType.BOOL ? Registers.load(f, mask.dtype(), at, CHUNK)
        : f.fcmp("une", Registers.load(f, mask.dtype(), at, CHUNK), Fn.f32(Float.NEGATIVE_INFINITY));
    return f.icmp("eq", f.cast("bitcast", open, "i" + CHUNK), "0");
  }

  /// The address of the row's elements for the block of keys at `first`, of which there are `count` before the tensor
  /// ends: a copy where vectors would read past it, or where the elements lie otherwise.
  String block(String row, String first, String count) {
    String address = f.variable("ptr", room);
    Runnable copy = () -> f.loop("0", count, 1, i -> {
      String key = f.mul(f.add(first, i), code.index(stride()));
      String x = Registers.load(f, mask.dtype(), at(row, key), 1);
      String as = dtype() == DType.BOOL ? x : Arithmetic.cast(f, mask.dtype(), DType.F32, x);
      Registers.store(f, dtype(), as, f.at(room, stored(), i));
    });
    if (isPlain()) {
      f.when(f.icmp("sge", count, Integer.toString(AttentionBlocks.KEYS)),
          () -> f.store(at(row, first), address), copy);
    } else {
      copy.run();
    }
    return f.load("ptr", address);
  }
}
