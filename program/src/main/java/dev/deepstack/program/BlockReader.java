package dev.deepstack.program;

import dev.deepstack.program.Program.KernelInfo;
import dev.deepstack.program.WeightRecipe.Layout;
import dev.deepstack.program.WeightRecipe.Piece;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Reads what [BlockWriter] wrote. Counts are checked against the bytes that are left before anything is allocated, and
/// every index against what it points into.
final class BlockReader {
  private static final int COUNT_MAX = 1 << 24;

  private final ByteBuffer in;
  private final MemorySegment data;

  private BlockReader(ByteBuffer in, MemorySegment data) {
    this.in = in;
    this.data = data;
  }

  /// @param data the file that storages are extents of
  /// @throws MalformedModelException when the block is broken
  static CompiledModel read(byte[] block, MemorySegment data, CompiledModel.Backing backing) {
    try {
      return new BlockReader(ByteBuffer.wrap(block), data).model(backing);
    } catch (BufferUnderflowException | IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
      throw new MalformedModelException("its description is broken", e);
    }
  }

  private CompiledModel model(CompiledModel.Backing backing) {
    List<Program> programs = list(this::program);
    long context = in.getLong();
    String tokenizer = in.get() != 0 ? text() : null;
    SequencedMap<String, StridedTensor> weights = tensors();
    SequencedMap<String, StridedTensor> states = tensors();
    require(!programs.isEmpty() && !in.hasRemaining() && context >= 0, "it has no programs or trailing bytes");
    programs.forEach(p -> check(p, programs.getFirst(), weights, states));
    return new CompiledModel(programs, name -> weight(weights, name), states, context, tokenizer, backing);
  }

  private static StridedTensor weight(SequencedMap<String, StridedTensor> weights, String name) {
    StridedTensor tensor = weights.get(name);
    if (tensor == null) {
      throw new MalformedModelException("weight " + name + " is missing");
    }
    return tensor;
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new MalformedModelException(otherwise);
    }
  }

  private static void check(
      Program p, Program general, SequencedMap<String, StridedTensor> weights,
      SequencedMap<String, StridedTensor> states) {
    for (Buffer b : p.buffers()) {
      boolean inside = switch (b) {
        case Buffer.Input(int i) -> isIndex(i, p.inputs());
        case Buffer.State(int i) -> isIndex(i, p.states());
        case Buffer.Result(int i) -> isIndex(i, p.results());
        case Buffer.Weight(int i) -> isIndex(i, p.weights());
        case Buffer.Slot(int i) -> isIndex(i, p.slots());
      };
      require(inside, "buffer " + b + " points nowhere");
    }
    for (WeightRecipe recipe : p.weights()) {
      recipe.pieces().forEach(piece -> check(recipe, piece, weight(weights, piece.weight())));
    }
    require(p.states().equals(general.states()), "its programs do not share their states");
    for (Port state : p.states()) {
      StridedTensor value = states.get(state.name());
      require(state.type().shape().isStatic() && (value == null || value.type().equals(state.type())),
          "state " + state.name() + " has a wrong value");
    }
    require(p.panelRows() == general.panelRows() && (p.panelRows() == 8 || p.panelRows() == 16),
        "its panels have " + p.panelRows() + " rows");
  }

  private static boolean isIndex(int index, List<?> list) {
    return index >= 0 && index < list.size();
  }

  private static void check(WeightRecipe recipe, Piece piece, StridedTensor weight) {
    long last = Math.addExact(piece.offset(), Math.addExact(
        Math.multiplyExact(Math.max(recipe.groups() - 1, 0), piece.groupStride()), Math.addExact(
            Math.multiplyExact(Math.max(piece.rows() - 1, 0), piece.rowStride()),
            Math.multiplyExact(Math.max(recipe.columns() - 1, 0), piece.columnStride()))));
    boolean positive = piece.offset() >= 0 && piece.rows() >= 0 && piece.groupStride() >= 0 && piece.rowStride() >= 0
        && piece.columnStride() >= 0 && recipe.groups() >= 0 && recipe.rows() >= 0 && recipe.columns() >= 0;
    boolean empty = piece.rows() == 0 || recipe.columns() == 0 || recipe.groups() == 0;
    require(positive && recipe.dtype() == weight.dtype() && (empty || last < weight.elements()),
        "weight " + piece.weight() + " does not fit its use");
  }

  private SequencedMap<String, StridedTensor> tensors() {
    var tensors = new LinkedHashMap<String, StridedTensor>();
    list(() -> {
      String name = text();
      DType dtype = DType.parse(text());
      long[] shape = longs();
      long[] strides = longs();
      long start = in.getLong();
      long offset = in.getLong();
      long bytes = in.getLong();
      return tensors.put(name, new StridedTensor(dtype, shape, strides, start, data.asSlice(offset, bytes)));
    });
    return tensors;
  }

  private Program program() {
    List<Port> inputs = list(this::port);
    List<Port> states = list(this::port);
    List<Port> results = list(this::port);
    var symbols = new LinkedHashMap<String, DimRange>();
    list(() -> symbols.put(text(), new DimRange(in.getLong(), in.getLong())));
    List<Buffer> buffers = list(this::buffer);
    List<List<Dim>> slots = list(() -> list(this::dim));
    List<WeightRecipe> weights = list(this::recipe);
    List<KernelInfo> kernels = list(() -> new KernelInfo(text(), text(), text(), dim(), dim()));
    Dim work = dim();
    List<String> features = list(this::text);
    String cpu = text();
    int panelRows = in.getInt();
    byte[] object = new byte[count(1)];
    in.get(object);
    return new Program(inputs, states, results, symbols, buffers, slots, weights, kernels, work, object, features, cpu,
        panelRows);
  }

  private Port port() {
    return new Port(text(), new TensorType(DType.parse(text()), new Shape(list(this::dim))));
  }

  private Buffer buffer() {
    byte tag = in.get();
    int index = in.getInt();
    return switch (tag) {
      case 0 -> new Buffer.Input(index);
      case 1 -> new Buffer.State(index);
      case 2 -> new Buffer.Result(index);
      case 3 -> new Buffer.Weight(index);
      case 4 -> new Buffer.Slot(index);
      default -> throw new MalformedModelException("it has a buffer of unknown kind " + tag);
    };
  }

  private WeightRecipe recipe() {
    Layout layout = in.get() == 0 ? Layout.PLAIN : Layout.PANELS;
    DType dtype = DType.parse(text());
    long[] extents = longs();
    List<Piece> pieces = list(() -> {
      String weight = text();
      long[] v = longs();
      return new Piece(weight, v[0], v[1], v[2], v[3], v[4]);
    });
    return new WeightRecipe(layout, dtype, extents[0], extents[1], extents[2], pieces);
  }

  private Dim dim() {
    return Dim.parse(text());
  }

  private long[] longs() {
    var values = new long[count(Long.BYTES)];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.getLong();
    }
    return values;
  }

  private String text() {
    var utf8 = new byte[count(1)];
    in.get(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  /// A count of items that take at least `bytes` each.
  private int count(int bytes) {
    int count = in.getInt();
    if (count < 0 || count > COUNT_MAX * (bytes == 1 ? 64 : 1) || (long) count * bytes > in.remaining()) {
      throw new MalformedModelException("it claims " + count + " items where " + in.remaining() + " bytes are left");
    }
    return count;
  }

  private <T extends @Nullable Object> List<T> list(Supplier<T> item) {
    int count = count(1);
    var items = new ArrayList<T>();
    for (int i = 0; i < count; i++) {
      items.add(item.get());
    }
    return items;
  }
}
