package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.Argument.DeviceArg;
import dev.deepstack.importer.pt2.Argument.Layout;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Reads graphs. Expressions that have no [Dim] are collected in `missing`, for one message that lists them
/// all.
final class GraphReader {
  private static final int RANK_MAX = 64;

  private final JsonCursor json;
  private final ArgumentReader arguments;
  private final TreeSet<String> missing = new TreeSet<>();
  private final Map<String, Dim> known = new HashMap<>();

  GraphReader(JsonCursor json) {
    this.json = json;
    this.arguments = new ArgumentReader(json, this);
  }

  ArgumentReader arguments() {
    return arguments;
  }

  /// What the sizes of this program need and DeepStack lacks, in order.
  List<String> missing() {
    return List.copyOf(missing);
  }

  GraphModel read() {
    List<Argument> inputs = null;
    List<Argument> outputs = null;
    List<Node> nodes = null;
    SequencedMap<String, TensorMeta> tensors = null;
    SequencedMap<String, Dim> ints = null;
    SequencedMap<String, String> floats = null;
    SequencedMap<String, String> bools = null;
    boolean single = false;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "inputs" -> inputs = json.list(arguments::read);
        case "outputs" -> outputs = json.list(arguments::read);
        case "nodes" -> nodes = json.list(this::node);
        case "tensor_values" -> tensors = json.map(this::tensorMeta);
        case "sym_int_values" -> ints = json.orNull(() -> json.map(this::symInt));
        case "sym_float_values" -> floats = json.orNull(() -> json.map(this::symText));
        case "sym_bool_values" -> bools = json.orNull(() -> json.map(this::symText));
        case "is_single_tensor_return" -> single = Boolean.TRUE.equals(json.orNull(json::bool));
        default -> json.skip();
      }
    }
    return new GraphModel(json.require(inputs, "inputs"), json.require(outputs, "outputs"),
        json.require(nodes, "nodes"), json.require(tensors, "tensor_values"), orEmpty(ints), orEmpty(floats),
        orEmpty(bools), single);
  }

  private static <T> SequencedMap<String, T> orEmpty(@Nullable SequencedMap<String, T> map) {
    return map == null ? new java.util.LinkedHashMap<>() : map;
  }

  private Node node() {
    String target = null;
    List<NamedArgument> inputs = null;
    List<Argument> outputs = null;
    String name = null;
    String stack = null;
    Boolean single = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "target" -> target = json.string();
        case "inputs" -> inputs = json.list(this::namedArgument);
        case "outputs" -> outputs = json.list(arguments::read);
        case "name" -> name = json.orNull(json::string);
        case "metadata" -> stack = json.orNull(this::moduleStack);
        case "is_hop_single_tensor_return" -> single = json.orNull(json::bool);
        default -> json.skip();
      }
    }
    return new Node(json.require(target, "target"), json.require(inputs, "inputs"),
        json.require(outputs, "outputs"), name, stack, single);
  }

  /// The one text of a node's metadata we keep; the rest can be most of the file.
  private String moduleStack() {
    var stack = "";
    for (var key = json.enter(); key != null; key = json.next()) {
      if (key.equals("nn_module_stack") && !json.isNull()) {
        stack = json.string();
      } else {
        json.skip();
      }
    }
    return stack;
  }

  private NamedArgument namedArgument() {
    String name = null;
    Argument argument = null;
    var kind = NamedArgument.Kind.UNKNOWN;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "name" -> name = json.string();
        case "arg" -> argument = arguments.read();
        case "kind" -> kind = kind();
        default -> json.skip();
      }
    }
    return new NamedArgument(json.require(name, "name"), json.require(argument, "arg"), kind);
  }

  private NamedArgument.Kind kind() {
    var number = json.orNull(json::integer);
    return number == null ? NamedArgument.Kind.UNKNOWN
        : number == 1 ? NamedArgument.Kind.POSITIONAL
        : number == 2 ? NamedArgument.Kind.KEYWORD
        : NamedArgument.Kind.UNKNOWN;
  }

  /// Also used for the tensors of a weights config.
  TensorMeta tensorMeta() {
    ScalarType type = null;
    List<Dim> sizes = null;
    List<Dim> strides = null;
    Dim offset = null;
    Layout layout = null;
    DeviceArg device = null;
    boolean gradient = false;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "dtype" -> type = scalarType();
        case "sizes" -> sizes = json.list(this::symInt);
        case "strides" -> strides = json.list(this::symInt);
        case "storage_offset" -> offset = symInt();
        case "layout" -> layout = layout();
        case "device" -> device = arguments.device();
        case "requires_grad" -> gradient = json.bool();
        default -> json.skip();
      }
    }
    var meta = new TensorMeta(json.require(type, "dtype"), new Shape(json.require(sizes, "sizes")),
        json.require(strides, "strides"), json.require(offset, "storage_offset"),
        json.require(layout, "layout"), json.require(device, "device"), gradient);
    if (meta.shape().rank() > RANK_MAX
        || meta.strides().size() != meta.shape().rank() && layout == Layout.STRIDED) {
      throw json.malformed("has " + meta.shape().rank() + " sizes and " + meta.strides().size() + " strides");
    }
    return meta;
  }

  private ScalarType scalarType() {
    long number = json.integer();
    var type = ScalarType.ofNumber(number);
    if (type == null) {
      throw json.malformed("is no element type this reader knows (number " + number + ")");
    }
    return type;
  }

  private Layout layout() {
    long number = json.integer();
    var layout = NumberTable.layout(number);
    if (layout == null) {
      throw json.malformed("is no layout this reader knows (number " + number + ")");
    }
    return layout;
  }

  private Dim symInt() {
    var tag = json.enterUnion();
    var dim = switch (tag) {
      case "as_int" -> Dim.of(json.integer());
      case "as_expr" -> dim(expression());
      default -> throw json.malformed("is not a symbolic integer");
    };
    json.leave();
    return dim;
  }

  /// The same few expressions describe thousands of sizes.
  private Dim dim(String text) {
    var seen = known.get(text);
    if (seen != null) {
      return seen;
    }
    try {
      var dim = SymbolicText.parse(text);
      known.put(text, dim);
      return dim;
    } catch (UnsupportedModelException e) {
      missing.add(String.valueOf(e.getMessage()));
      return Dim.of(0);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw json.malformed("has an unreadable size " + Place.quote(text) + " (" + e.getMessage() + ")");
    }
  }

  private String expression() {
    String text = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      if (key.equals("expr_str")) {
        text = json.string();
      } else {
        json.skip();
      }
    }
    return json.require(text, "expr_str");
  }

  /// A symbolic float or boolean as text.
  private String symText() {
    var tag = json.enterUnion();
    var text = switch (tag) {
      case "as_float" -> Double.toString(json.number());
      case "as_bool" -> Boolean.toString(json.bool());
      case "as_expr" -> expression();
      default -> throw json.malformed("is not a symbolic value");
    };
    json.leave();
    return text;
  }
}
