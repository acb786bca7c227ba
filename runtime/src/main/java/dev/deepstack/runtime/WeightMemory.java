package dev.deepstack.runtime;

import dev.deepstack.program.WeightRecipe;
import dev.deepstack.program.WeightRecipe.Piece;
import dev.deepstack.program.WeightSource;
import dev.deepstack.program.code.LargeMemory;
import dev.deepstack.program.weight.BlockPacking;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.program.weight.PanelLayout;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/// The weights of a model in the form its kernels read them. A weight that is read as it lies in the checkpoint is
/// pointed to; the others are packed once.
final class WeightMemory {
  private static final long ALIGNMENT = 64;

  private final Arena arena;
  private final WeightSource source;
  private final int panelRows;
  private final Map<WeightRecipe, MemorySegment> ready = new HashMap<>();
  private final Map<String, HostTensor> contiguous = new HashMap<>();
  private long packedBytes;

  WeightMemory(Arena arena, WeightSource source, int panelRows) {
    this.arena = arena;
    this.source = source;
    this.panelRows = panelRows;
  }

  /// Memory that had to be allocated beside the checkpoint.
  long packedBytes() {
    return packedBytes;
  }

  MemorySegment of(WeightRecipe recipe) {
    MemorySegment known = ready.get(recipe);
    if (known == null) {
      known = make(recipe);
      ready.put(recipe, known);
    }
    return known;
  }

  private MemorySegment make(WeightRecipe recipe) {
    return switch (recipe.layout()) {
      case PLAIN -> plain(recipe);
      case PANELS -> panels(recipe);
    };
  }

  /// The tensor a piece names, row-major. Checked: a piece must not reach beyond it.
  private HostTensor tensor(WeightRecipe recipe, Piece piece, long group) {
    String named = piece.weight().replace("*", Long.toString(group));
    HostTensor tensor = contiguous.computeIfAbsent(named, name -> {
      StridedTensor stored = source.weight(name);
      return stored.contiguous(arena);
    });
    long last = start(piece, recipe.groups() - 1) + (piece.rows() - 1) * piece.rowStride()
        + (recipe.columns() - 1) * piece.columnStride();
    boolean empty = recipe.columns() == 0 || piece.rows() == 0;
    if (tensor.dtype() != recipe.dtype() || !empty && (piece.offset() < 0 || last >= tensor.elements())) {
      throw new MalformedModelException("weight " + named + " is " + tensor
          + ", which is not what the program was compiled for; compile the model again");
    }
    return tensor;
  }

  private MemorySegment plain(WeightRecipe recipe) {
    if (isPerGroup(recipe.pieces().getFirst())) {
      return together(recipe);
    }
    MemorySegment data = tensor(recipe, recipe.pieces().getFirst(), 0).data();
    boolean inPlace = data.isNative() && data.address() % ALIGNMENT == 0 && data.byteSize() > 0;
    return inPlace ? data : allocate(data.byteSize()).copyFrom(data);
  }

  /// The tensors of all groups one after another: the recipe counts their elements and not their number.
  private MemorySegment together(WeightRecipe recipe) {
    String name = recipe.pieces().getFirst().weight();
    long elements = recipe.groups() * recipe.rows() * recipe.columns();
    MemorySegment all = allocate(elements * recipe.dtype().bytes());
    long at = 0;
    for (int group = 0; at < all.byteSize(); group++) {
      String named = name.replace("*", Integer.toString(group));
      try (Arena scratch = Arena.ofConfined()) {
        HostTensor tensor = source.weight(named).contiguous(scratch);
        MemorySegment data = tensor.data();
        if (tensor.dtype() != recipe.dtype() || data.byteSize() == 0 || data.byteSize() > all.byteSize() - at) {
          throw new MalformedModelException("weight " + named + " is " + tensor
              + ", which is not what the program was compiled for; compile the model again");
        }
        all.asSlice(at, data.byteSize()).copyFrom(data);
        at += data.byteSize();
      }
    }
    return all;
  }

  private MemorySegment allocate(long bytes) {
    packedBytes += bytes;
    return LargeMemory.allocate(arena, bytes + ALIGNMENT).asSlice(0, bytes);
  }

  private MemorySegment panels(WeightRecipe recipe) {
    PanelLayout packing = recipe.panels(panelRows);
    MemorySegment packed = allocate(recipe.groups() * packing.bytes());
    for (long group = 0; group < recipe.groups(); group++) {
      pack(recipe, packing, group, packed.asSlice(group * packing.bytes(), packing.bytes()));
    }
    return packed;
  }

  private void pack(WeightRecipe recipe, PanelLayout layout, long group, MemorySegment into) {
    switch (layout) {
      case Packing packing -> pack(recipe, packing, group, into);
      case BlockPacking packing -> pack(recipe, packing, group, into);
    }
  }

  private void pack(WeightRecipe recipe, BlockPacking packing, long group, MemorySegment into) {
    into.fill((byte) 0);
    long row = 0;
    for (Piece piece : recipe.pieces()) {
      MemorySegment data = tensor(recipe, piece, group).data();
      packing.packRows(data.asSlice(start(piece, group)), piece.rowStride(), row, piece.rows(), into);
      row += piece.rows();
    }
  }

  private static long start(Piece piece, long group) {
    return isPerGroup(piece) ? piece.offset() : piece.offset() + group * piece.groupStride();
  }

  private static boolean isPerGroup(Piece piece) {
    return piece.weight().contains("*");
  }

  private void pack(WeightRecipe recipe, Packing packing, long group, MemorySegment into) {
    int width = recipe.dtype().bytes();
    if (recipe.pieces().size() == 1) {
      Piece piece = recipe.pieces().getFirst();
      packing.pack(tensor(recipe, piece, group).data().asSlice(start(piece, group) * width), piece.rowStride(),
          piece.columnStride(), into);
      return;
    }
    // Several pieces make one matrix: gathered row by row first, since panels may span them.
    try (Arena scratch = Arena.ofShared()) {
      MemorySegment rows = scratch.allocate(recipe.rows() * recipe.columns() * width, ALIGNMENT);
      long at = 0;
      for (Piece piece : recipe.pieces()) {
        MemorySegment data = tensor(recipe, piece, group).data();
        for (long r = 0; r < piece.rows(); r++) {
          at = copyRow(recipe, piece, data, start(piece, group) + r * piece.rowStride(), rows,
              at);
        }
      }
      packing.pack(rows, recipe.columns(), 1, into);
    }
  }

  private static long copyRow(
      WeightRecipe recipe, Piece piece, MemorySegment data, long from, MemorySegment to, long at) {
    int width = recipe.dtype().bytes();
    if (piece.columnStride() == 1) {
      MemorySegment.copy(data, from * width, to, at * width, recipe.columns() * width);
      return at + recipe.columns();
    }
    long next = at;
    for (long c = 0; c < recipe.columns(); c++) {
      MemorySegment.copy(data, (from + c * piece.columnStride()) * width, to, next++ * width, width);
    }
    return next;
  }
}
