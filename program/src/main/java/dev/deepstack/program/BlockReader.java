package dev.deepstack.program;

import dev.deepstack.program.Program.KernelInfo;
import dev.deepstack.program.WeightRecipe.Layout;
import dev.deepstack.program.WeightRecipe.Piece;
import dev.deepstack.tensor.BlockFormat;
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
import java.util.NavigableMap;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Reads what [BlockWriter] wrote. Counts are checked against the bytes that are left before anything is allocated, and
/// every index against what it points into.
final class BlockReader {
  private static final int COUNT_MAX = 1 << 24;

  private final ByteBuffer in;
  private final MemorySegment data;
  private final NavigableMap<Long, Long> extents = new TreeMap<>();

  private BlockReader(ByteBuffer in, MemorySegment data) {
    this.in = in;
    this.data = data;
  }

  /// @param data the file that storages are extents of
  /// @param alignment of the storages that fill `data` one after another, or 0 when they lie anywhere in it
  /// @throws MalformedModelException when the block is broken
  static CompiledModel read(byte[] block, MemorySegment data, long alignment, CompiledModel.Backing backing) {
    try {
      var reader = new BlockReader(ByteBuffer.wrap(block), data);
      CompiledModel model = reader.model(backing);
      if (alignment != 0) {
        reader.fills(alignment);
      }
      return model;
    } catch (BufferUnderflowException | IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
      throw new MalformedModelException("its description is broken", e);
    }
  }

  /// What [BlockWriter#write(List)] wrote. Weights are checked when they are loaded.
  static List<Program> programs(byte[] block) {
    try {
      var reader = new BlockReader(ByteBuffer.wrap(block), MemorySegment.NULL);
      List<Program> programs = reader.list(reader::program);
      ProgramCheck.require(!reader.in.hasRemaining() && !programs.isEmpty(), "it holds no programs, or more");
      return programs;
    } catch (BufferUnderflowException | IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
      throw new MalformedModelException("its description is broken", e);
    }
  }

  private CompiledModel model(CompiledModel.Backing backing) {
    List<Program> programs = list(this::program);
    long context = in.getLong();
    String tokenizer = choice(1) == 1 ? text() : null;
    SequencedMap<String, StridedTensor> weights = tensors();
    SequencedMap<String, StridedTensor> states = tensors();
    ProgramCheck.require(!in.hasRemaining(), "its description has " + in.remaining() + " bytes too many");
    ProgramCheck.require(context >= 0, "its context is " + context);
    ProgramCheck.check(programs, weights, states);
    return new CompiledModel(programs, name -> weight(weights, name), states, context, tokenizer, backing);
  }

  private static StridedTensor weight(SequencedMap<String, StridedTensor> weights, String name) {
    StridedTensor tensor = weights.get(name);
    if (tensor == null) {
      throw new MalformedModelException("weight " + name + " is missing");
    }
    return tensor;
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
      var tensor = new StridedTensor(dtype, shape, strides, start, storage(name, offset, bytes));
      ProgramCheck.require(tensors.put(name, tensor) == null, "it has two tensors of the name " + name);
      return name;
    });
    return tensors;
  }

  private MemorySegment storage(String name, long offset, long bytes) {
    boolean inside = offset >= 0 && bytes >= 0 && bytes <= data.byteSize() && offset <= data.byteSize() - bytes;
    ProgramCheck.require(inside, "tensor " + name + " lies beyond the end: the file is truncated");
    Long before = bytes == 0 ? null : extents.put(offset, bytes);
    ProgramCheck.require(before == null || before == bytes, "tensor " + name + " overlaps another");
    return data.asSlice(offset, bytes);
  }

  private void fills(long alignment) {
    long end = 0;
    for (var extent : extents.entrySet()) {
      long next = (end + alignment - 1) & -alignment;
      ProgramCheck.require(extent.getKey() == next, "its tensors do not follow one another");
      end = next + extent.getValue();
    }
    long rest = data.byteSize() - end;
    ProgramCheck.require(rest == 0, "it is " + rest + " bytes longer than what it holds");
  }

  private Program program() {
    List<Port> inputs = list(this::port);
    List<Port> states = list(this::port);
    List<Port> results = list(this::port);
    var symbols = new LinkedHashMap<String, DimRange>();
    list(() -> {
      String name = text();
      ProgramCheck.require(symbols.put(name, new DimRange(in.getLong(), in.getLong())) == null,
          "it has two symbols of the name " + name);
      return name;
    });
    List<Buffer> buffers = list(this::buffer);
    List<List<Dim>> slots = list(() -> list(this::dim));
    var computed = new LinkedHashMap<String, Dim>();
    list(() -> {
      String name = text();
      ProgramCheck.require(symbols.containsKey(name) && computed.put(name, dim()) == null,
          "it computes " + name + ", which is no symbol of its own");
      return name;
    });
    List<String> faults = list(this::text);
    List<WeightRecipe> weights = list(this::recipe);
    List<KernelInfo> kernels = list(() -> new KernelInfo(text(), text(), text(), dim(), dim()));
    Dim work = dim();
    List<String> features = list(this::text);
    String cpu = text();
    int panelRows = in.getInt();
    byte[] object = new byte[count(1)];
    in.get(object);
    return new Program(inputs, states, results, symbols, buffers, slots, computed, faults, weights, kernels, work,
        object, features, cpu, panelRows);
  }

  private Port port() {
    return new Port(text(), new TensorType(DType.parse(text()), new Shape(list(this::dim))));
  }

  private Buffer buffer() {
    int tag = choice(4);
    int index = in.getInt();
    return switch (tag) {
      case 0 -> new Buffer.Input(index);
      case 1 -> new Buffer.State(index);
      case 2 -> new Buffer.Result(index);
      case 3 -> new Buffer.Weight(index);
      default -> new Buffer.Slot(index);
    };
  }

  /// A byte from 0 to `last`.
  private int choice(int last) {
    int value = in.get();
    ProgramCheck.require(value >= 0 && value <= last, "it has a mark " + value + " where 0 to " + last + " are known");
    return value;
  }

  private WeightRecipe recipe() {
    Layout layout = switch (choice(2)) {
      case 0 -> Layout.PLAIN;
      case 1 -> Layout.PANELS;
      default -> Layout.WINOGRAD;
    };
    DType dtype = DType.parse(text());
    BlockFormat blocks = blocks(text());
    long[] extents = longs();
    List<Piece> pieces = list(() -> {
      String weight = text();
      long[] v = longs();
      return new Piece(weight, v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
    });
    return new WeightRecipe(layout, dtype, blocks, extents[0], extents[1], extents[2], pieces);
  }

  private static @Nullable BlockFormat blocks(String name) {
    if (name.isEmpty()) {
      return null;
    }
    for (BlockFormat format : BlockFormat.values()) {
      if (format.name().equals(name)) {
        return format;
      }
    }
    throw new MalformedModelException("a weight is stored as " + name + ", which is not known");
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
