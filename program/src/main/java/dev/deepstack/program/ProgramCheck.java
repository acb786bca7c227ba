package dev.deepstack.program;

import dev.deepstack.program.WeightRecipe.Layout;
import dev.deepstack.program.WeightRecipe.Piece;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.program.weight.Winograd;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// Whether the parts of a program fit together, so that nothing is read beside a tensor because a file said so. What
/// machine code does with the memory it is given cannot be checked: a program is to be trusted like any executable.
final class ProgramCheck {
  private static final Pattern FEATURE = Pattern.compile("[a-z0-9][a-z0-9._-]{0,31}");

  private final Program program;
  private final Program general;
  private final Map<String, StridedTensor> weights;

  private ProgramCheck(Program program, Program general, Map<String, StridedTensor> weights) {
    this.program = program;
    this.general = general;
    this.weights = weights;
  }

  /// @throws MalformedModelException when they do not fit
  static void check(
      List<Program> programs, Map<String, StridedTensor> weights, Map<String, StridedTensor> states) {
    require(!programs.isEmpty(), "it holds no program");
    for (Program program : programs) {
      var check = new ProgramCheck(program, programs.getFirst(), weights);
      check.ports();
      check.states(states);
      check.symbols();
      check.buffers();
      program.weights().forEach(check::recipe);
      check.target();
    }
  }

  static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new MalformedModelException(otherwise);
    }
  }

  /// Specialisations are chosen by their inputs and stand in for the general program.
  private void ports() {
    same(program.inputs(), general.inputs());
    same(program.results(), general.results());
    same(program.states(), general.states());
  }

  private static void same(List<Port> ports, List<Port> generally) {
    var names = new HashSet<String>();
    require(ports.size() == generally.size(), "its programs differ in their inputs, results or states");
    for (int i = 0; i < ports.size(); i++) {
      Port p = ports.get(i);
      Port g = generally.get(i);
      require(names.add(p.name()), "it has two ports of the name " + p.name());
      require(p.name().equals(g.name()) && p.type().dtype() == g.type().dtype()
          && p.type().shape().rank() == g.type().shape().rank(), "its programs differ in port " + p.name());
    }
  }

  private void states(Map<String, StridedTensor> states) {
    require(program.states().equals(general.states()), "its programs do not share their states");
    for (Port state : program.states()) {
      StridedTensor value = states.get(state.name());
      require(state.type().shape().isStatic() && (value == null || value.type().equals(state.type())),
          "the value of state " + state.name() + " is not of its type");
      long elements = HostTensor.count(state.type().shape().toLongs());
      Math.multiplyExact(elements, state.type().dtype().bytes());
    }
  }

  private void symbols() {
    Set<String> known = program.symbols().keySet();
    require(general.symbols().keySet().containsAll(known), "a specialised program has symbols of its own");
    program.symbols().forEach((name, range) -> require(
        (range.min() >= 0 || program.computed().containsKey(name)) && range.min() <= range.max(),
        "symbol " + name + " has an empty range"));
    program.inputs().forEach(p -> use(p.type().shape().dims(), known, p.name()));
    program.results().forEach(p -> use(p.type().shape().dims(), known, p.name()));
    var sizes = new HashSet<>(known);
    sizes.add(Program.THREADS);
    program.slots().forEach(alternatives -> use(alternatives, sizes, "the arena"));
    use(List.of(program.work()), sizes, "the work of a step");
    program.kernels().forEach(k -> use(List.of(k.work(), k.bytes()), sizes, "kernel " + k.function()));
  }

  private static void use(Collection<Dim> dims, Set<String> known, String where) {
    for (Dim dim : dims) {
      require(known.containsAll(dim.symbols()) && (!dim.isConstant() || dim.constant() >= 0),
          "a size of " + where + " is " + dim + ", which has no value");
    }
  }

  private void buffers() {
    for (Buffer b : program.buffers()) {
      boolean inside = switch (b) {
        case Buffer.Input(int i) -> isIndex(i, program.inputs());
        case Buffer.State(int i) -> isIndex(i, program.states());
        case Buffer.Result(int i) -> isIndex(i, program.results());
        case Buffer.Weight(int i) -> isIndex(i, program.weights());
        case Buffer.Slot(int i) -> isIndex(i, program.slots());
      };
      require(inside, "buffer " + b + " points nowhere");
    }
  }

  private static boolean isIndex(int index, List<?> list) {
    return index >= 0 && index < list.size();
  }

  private void recipe(WeightRecipe r) {
    require(r.groups() >= 0 && r.rows() >= 0 && r.columns() >= 0 && !r.pieces().isEmpty(), "a weight has no extents");
    long rows = 0;
    for (Piece piece : r.pieces()) {
      StridedTensor weight = weight(piece);
      require(weight.dtype() == r.dtype() && isInside(r, piece, weight.elements()),
          "weight " + piece.weight() + " does not fit its use");
      rows = Math.addExact(rows, piece.rows());
    }
    String first = r.pieces().getFirst().weight();
    require(rows == r.rows(), "the pieces of weight " + first + " have " + rows + " rows instead of " + r.rows());
    long elements = Math.multiplyExact(r.groups(), Math.multiplyExact(r.rows(), r.columns()));
    Math.multiplyExact(elements, 2L * program.panelRows() * r.dtype().bytes());
    switch (r.layout()) {
      case PLAIN -> require(isWhole(r, elements), "weight " + first + " is not used as a whole");
      case PANELS -> require(elements > 0 && isPackable(r), "weight " + first + " cannot lie in panels");
      case WINOGRAD -> require(elements > 0 && r.dtype() == DType.F32 && r.blocks() == null && r.groups() == 1
          && r.columns() % Winograd.TAPS == 0, "weight " + first + " cannot be transformed");
    }
  }

  private static boolean isPackable(WeightRecipe r) {
    BlockFormat blocks = r.blocks();
    return blocks == null ? Packing.supports(r.dtype()) : r.dtype() == DType.U8 && r.columns() % blocks.bytes() == 0
        && r.pieces().stream().allMatch(p -> p.columnStride() == 1 && p.inner() == 1);
  }

  private static boolean isInside(WeightRecipe r, Piece piece, long elements) {
    boolean positive = piece.offset() >= 0 && piece.rows() >= 0 && piece.groupStride() >= 0 && piece.rowStride() >= 0
        && piece.inner() >= 1 && piece.innerStride() >= 0 && piece.offset() + piece.lowest(r.columns()) >= 0
        && r.columns() % piece.inner() == 0;
    if (!positive || r.groups() == 0 || piece.rows() == 0 || r.columns() == 0) {
      return positive;
    }
    long last = Math.multiplyExact(r.groups() - 1, piece.groupStride());
    last = Math.addExact(last, Math.multiplyExact(piece.rows() - 1, piece.rowStride()));
    last = Math.addExact(last, piece.highest(r.columns()));
    return Math.addExact(last, piece.offset()) < elements;
  }

  /// A plain weight is pointed to where it lies, so it can only be a tensor as it is.
  private boolean isWhole(WeightRecipe r, long elements) {
    Piece piece = r.pieces().getFirst();
    boolean unit = piece.columnStride() == 1 && piece.inner() == 1 || r.columns() <= 1;
    return r.pieces().size() == 1 && r.groups() == 1 && r.rows() == 1 && piece.offset() == 0 && unit
        && elements == weight(piece).elements();
  }

  private StridedTensor weight(Piece piece) {
    StridedTensor weight = weights.get(piece.weight());
    if (weight == null) {
      throw new MalformedModelException("weight " + piece.weight() + " is missing");
    }
    return weight;
  }

  private void target() {
    require(program.panelRows() == general.panelRows() && (program.panelRows() == 8 || program.panelRows() == 16),
        "its panels have " + program.panelRows() + " rows");
    for (String feature : program.cpuFeatures()) {
      require(FEATURE.matcher(feature).matches(), "it asks for a CPU feature without a sensible name");
    }
    require(program.object().length > 0, "a program has no machine code");
  }
}
