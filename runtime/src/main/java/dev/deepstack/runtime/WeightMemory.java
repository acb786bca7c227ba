package dev.deepstack.runtime;

import dev.deepstack.program.WeightRecipe;
import dev.deepstack.program.WeightRecipe.Piece;
import dev.deepstack.program.WeightSource;
import dev.deepstack.program.code.LargeMemory;
import dev.deepstack.program.code.NativeCode;
import dev.deepstack.program.weight.BlockPacking;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.program.weight.PanelCode;
import dev.deepstack.program.weight.PanelLayout;
import dev.deepstack.program.weight.Winograd;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.MalformedModelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The weights of a model in the form its kernels read them. A weight that is read as it lies in the checkpoint is
/// pointed to; the others are packed once.
final class WeightMemory {
  private static final long ALIGNMENT = 64;
  private static final long CHUNK_BYTES = 8 << 20;

  private final Arena arena;
  private final WeightSource source;
  private final int panelRows;
  private final Map<WeightRecipe, MemorySegment> ready = new HashMap<>();
  private final Map<String, HostTensor> contiguous = new HashMap<>();
  private final @Nullable PackedCopy copy;
  private final List<MemorySegment> mapped = new ArrayList<>();
  private long packedBytes;

  /// @param copy where packed weights are kept, if anywhere
  WeightMemory(Arena arena, WeightSource source, int panelRows, @Nullable PackedCopy copy) {
    this.copy = copy;
    this.arena = arena;
    this.source = source;
    this.panelRows = panelRows;
  }

  /// Memory that had to be allocated beside the checkpoint.
  long packedBytes() {
    return packedBytes;
  }

  /// @param code of a program that reads the weight, which may know how to pack it
  MemorySegment of(WeightRecipe recipe, NativeCode code) {
    MemorySegment known = ready.get(recipe);
    if (known == null) {
      known = make(recipe, code);
      ready.put(recipe, known);
      if (known.isMapped()) {
        mapped.add(known);
      }
    }
    return known;
  }

  /// All weights are there.
  ///
  /// @return what brings those that are mapped into memory
  PageLoader done() {
    if (copy != null) {
      copy.keep(ready);
    }
    return new PageLoader(mapped);
  }

  private MemorySegment make(WeightRecipe recipe, NativeCode code) {
    return switch (recipe.layout()) {
      case PLAIN -> plain(recipe);
      case PANELS, WINOGRAD -> panels(recipe, code);
    };
  }

  /// The tensor a piece names, row-major. Checked: a piece must not reach beyond it. Only tensors that further recipes
  /// may name again outlive `scratch`.
  private HostTensor tensor(WeightRecipe recipe, Piece piece, long group, Arena scratch) {
    String named = piece.weight().replace("*", Long.toString(group));
    HostTensor tensor = isPerGroup(piece)
        ? source.weight(named, scratch).contiguous(scratch)
        : contiguous.computeIfAbsent(named, name -> source.weight(name).contiguous(arena));
    long last = start(piece, recipe.groups() - 1) + (piece.rows() - 1) * piece.rowStride()
        + piece.highest(recipe.columns());
    boolean empty = recipe.columns() == 0 || piece.rows() == 0;
    if (tensor.dtype() != recipe.dtype()
        || !empty && (piece.offset() + piece.lowest(recipe.columns()) < 0 || last >= tensor.elements())) {
      throw new MalformedModelException("weight " + named + " is " + tensor
          + ", which is not what the program was compiled for; compile the model again");
    }
    return tensor;
  }

  private MemorySegment plain(WeightRecipe recipe) {
    if (isPerGroup(recipe.pieces().getFirst())) {
      return together(recipe);
    }
    MemorySegment data = tensor(recipe, recipe.pieces().getFirst(), 0, arena).data();
    boolean inPlace = data.isNative() && data.address() % ALIGNMENT == 0 && data.byteSize() > 0;
    return inPlace ? data : copied(data, allocate(data.byteSize()));
  }

  /// What was read once need not stay in this process's memory beside the copy.
  private static MemorySegment copied(MemorySegment from, MemorySegment to) {
    to.copyFrom(from);
    LargeMemory.forget(from);
    return to;
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
        HostTensor tensor = source.weight(named, scratch).contiguous(scratch);
        MemorySegment data = tensor.data();
        if (tensor.dtype() != recipe.dtype() || data.byteSize() == 0 || data.byteSize() > all.byteSize() - at) {
          throw new MalformedModelException("weight " + named + " is " + tensor
              + ", which is not what the program was compiled for; compile the model again");
        }
        copied(data, all.asSlice(at, data.byteSize()));
        at += data.byteSize();
      }
    }
    return all;
  }

  private MemorySegment allocate(long bytes) {
    packedBytes += bytes;
    return LargeMemory.allocate(arena, bytes + ALIGNMENT).asSlice(0, bytes);
  }

  /// Fresh memory is zero, so only what there is must be written.
  private MemorySegment panels(WeightRecipe recipe, NativeCode code) {
    PanelLayout layout = recipe.panels(panelRows);
    PanelCode packer = PanelCode.of(code, recipe.blocks());
    long bytes = recipe.groups() * layout.bytes();
    MemorySegment kept = copy == null ? null : copy.find(recipe);
    if (kept != null) {
      return kept;
    }
    MemorySegment packed = allocate(bytes);
    for (long group = 0; group < recipe.groups(); group++) {
      MemorySegment into = packed.asSlice(group * layout.bytes(), layout.bytes());
      long row = 0;
      for (Piece piece : recipe.pieces()) {
        try (Arena scratch = Arena.ofConfined()) {
          HostTensor tensor = tensor(recipe, piece, group, scratch);
          MemorySegment rows = tensor.data().asSlice(start(piece, group) * recipe.dtype().bytes());
          if (layout instanceof Packing p && recipe.layout() == WeightRecipe.Layout.WINOGRAD) {
            p.packRows(places(recipe, piece, tensor, scratch), p.k(), 1, row, piece.rows(), into, packer);
          } else if (layout instanceof Packing p && piece.inner() > 1) {
            p.packRows(taps(recipe, piece, tensor, scratch), recipe.columns(), 1, row, piece.rows(), into, packer);
          } else {
            packRows(layout, recipe, piece, rows, row, into, packer);
          }
          LargeMemory.forget(tensor.data());
        }
        row += piece.rows();
      }
    }
    return packed;
  }

  /// Some rows after the other, forgetting those that are packed: otherwise a large matrix, or the whole file, would be
  /// in this process's memory beside the copy.
  private void packRows(PanelLayout layout, WeightRecipe recipe, Piece piece, MemorySegment rows, long to,
      MemorySegment into, @Nullable PanelCode packer) {
    long rowBytes = piece.rowStride() * recipe.dtype().bytes();
    // Columns apart are rows of the file: then every part of the matrix is everywhere.
    long step = piece.columnStride() == 1 && rowBytes > 0 ? Math.max(panelRows, CHUNK_BYTES / rowBytes) : piece.rows();
    long next;
    for (long first = 0; first < piece.rows(); first = next) {
      // Up to the end of a panel, unless all is done anyway.
      long end = first + step;
      next = end >= piece.rows() ? piece.rows() : end - (to + end) % panelRows;
      MemorySegment from = rows.asSlice(first * rowBytes);
      switch (layout) {
        case Packing p ->
            p.packRows(from, piece.rowStride(), piece.columnStride(), to + first, next - first, into, packer);
        case BlockPacking b -> b.packRows(from, piece.rowStride(), to + first, next - first, into, packer);
      }
      if (next < piece.rows()) {
        LargeMemory.forget(from.asSlice(0, (next - first) * rowBytes));
      }
    }
  }

  /// The rows of a convolution with the channels of a tap side by side.
  private static MemorySegment taps(WeightRecipe recipe, Piece piece, HostTensor tensor, Arena scratch) {
    int bytes = recipe.dtype().bytes();
    MemorySegment from = tensor.data();
    MemorySegment rows = scratch.allocate(piece.rows() * recipe.columns() * bytes, ALIGNMENT);
    long outer = recipe.columns() / piece.inner();
    long to = 0;
    for (long r = 0; r < piece.rows(); r++) {
      for (long t = 0; t < outer; t++) {
        long at = piece.offset() + r * piece.rowStride() + t * piece.columnStride();
        for (long c = 0; c < piece.inner(); c++, to++, at += piece.innerStride()) {
          if (bytes == Float.BYTES) {
            rows.set(ValueLayout.JAVA_INT_UNALIGNED, to * Float.BYTES,
                from.get(ValueLayout.JAVA_INT_UNALIGNED, at * Float.BYTES));
          } else {
            rows.set(ValueLayout.JAVA_SHORT_UNALIGNED, to * bytes,
                from.get(ValueLayout.JAVA_SHORT_UNALIGNED, at * bytes));
          }
        }
      }
    }
    return rows;
  }

  /// The same, transformed.
  private static MemorySegment places(WeightRecipe recipe, Piece piece, HostTensor tensor, Arena scratch) {
    long channels = recipe.columns() / Winograd.TAPS;
    MemorySegment places =
        scratch.allocate(piece.rows() * channels * Winograd.PLACES * Float.BYTES, ALIGNMENT);
    Winograd.transform(taps(recipe, piece, tensor, scratch), places, piece.rows(), channels);
    return places;
  }

  private static long start(Piece piece, long group) {
    return isPerGroup(piece) ? piece.offset() : piece.offset() + group * piece.groupStride();
  }

  private static boolean isPerGroup(Piece piece) {
    return piece.weight().contains("*");
  }
}
