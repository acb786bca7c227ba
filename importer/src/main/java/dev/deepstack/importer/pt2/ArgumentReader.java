package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.Argument.BoolArg;
import dev.deepstack.importer.pt2.Argument.BoolLike;
import dev.deepstack.importer.pt2.Argument.DeviceArg;
import dev.deepstack.importer.pt2.Argument.FloatArg;
import dev.deepstack.importer.pt2.Argument.FloatLike;
import dev.deepstack.importer.pt2.Argument.IntArg;
import dev.deepstack.importer.pt2.Argument.IntLike;
import dev.deepstack.importer.pt2.Argument.NoneArg;
import dev.deepstack.importer.pt2.Argument.SymBoolArg;
import dev.deepstack.importer.pt2.Argument.SymFloatArg;
import dev.deepstack.importer.pt2.Argument.SymIntArg;
import dev.deepstack.importer.pt2.Argument.TensorArg;
import dev.deepstack.importer.pt2.Argument.TensorLike;
import dev.deepstack.importer.pt2.Argument.UnknownArg;
import java.util.function.Function;

/// Reads the argument union.
final class ArgumentReader {
  private final JsonCursor json;
  private final GraphReader graphs;

  ArgumentReader(JsonCursor json, GraphReader graphs) {
    this.json = json;
    this.graphs = graphs;
  }

  Argument read() {
    var tag = json.enterUnion();
    var argument = value(tag);
    json.leave();
    return argument;
  }

  private Argument value(String tag) {
    return switch (tag) {
      case "as_none" -> none();
      case "as_tensor" -> new TensorArg(name());
      case "as_tensors" -> new Argument.TensorsArg(json.list(this::name));
      case "as_optional_tensor" -> optionalTensor();
      case "as_optional_tensors" -> new Argument.OptionalTensorsArg(json.list(this::optionalTensor));
      case "as_nested_tensors" -> new Argument.NestedTensorsArg(json.list(() -> json.list(this::name)));
      case "as_int" -> new IntArg(json.integer());
      case "as_ints" -> new Argument.IntsArg(json.list(json::integer));
      case "as_int_lists" -> new Argument.IntListsArg(json.list(() -> json.list(json::integer)));
      case "as_float" -> new FloatArg(json.number());
      case "as_floats" -> new Argument.FloatsArg(json.list(json::number));
      case "as_float_lists" -> new Argument.FloatListsArg(json.list(() -> json.list(json::number)));
      case "as_bool" -> new BoolArg(json.bool());
      case "as_bools" -> new Argument.BoolsArg(json.list(json::bool));
      case "as_string" -> new Argument.StringArg(json.string());
      case "as_strings" -> new Argument.StringsArg(json.list(json::string));
      case "as_sym_int" -> symInt();
      case "as_sym_ints" -> new Argument.SymIntsArg(json.list(this::symInt));
      case "as_sym_float" -> symFloat();
      case "as_sym_floats" -> new Argument.SymFloatsArg(json.list(this::symFloat));
      case "as_sym_bool" -> symBool();
      case "as_sym_bools" -> new Argument.SymBoolsArg(json.list(this::symBool));
      case "as_scalar_type" -> numbered(tag, ScalarType::ofNumber, Argument.ScalarTypeArg::new);
      case "as_layout" -> numbered(tag, NumberTable::layout, Argument.LayoutArg::new);
      case "as_memory_format" -> numbered(tag, NumberTable::memoryFormat, Argument.MemoryFormatArg::new);
      case "as_device" -> device();
      case "as_graph" -> graph();
      case "as_complex" -> complex();
      case "as_custom_obj" -> customObject();
      case "as_operator" -> new Argument.OperatorArg(json.string());
      case "as_string_to_argument" -> new Argument.MapArg(json.map(this::read));
      default -> unknown(tag);
    };
  }

  private UnknownArg unknown(String tag) {
    json.skip();
    return new UnknownArg(Place.quote(tag));
  }

  private NoneArg none() {
    json.skip();
    return new NoneArg();
  }

  /// A struct whose only field of interest is `name`.
  String name() {
    String name = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      if (key.equals("name")) {
        name = json.string();
      } else {
        json.skip();
      }
    }
    return json.require(name, "name");
  }

  private TensorLike optionalTensor() {
    var tag = json.enterUnion();
    var argument = switch (tag) {
      case "as_tensor" -> new TensorArg(name());
      case "as_none" -> none();
      default -> throw json.malformed("is neither a tensor nor none");
    };
    json.leave();
    return argument;
  }

  private IntLike symInt() {
    var tag = json.enterUnion();
    var argument = switch (tag) {
      case "as_int" -> new IntArg(json.integer());
      case "as_name" -> new SymIntArg(json.string());
      default -> throw json.malformed("is not a symbolic integer");
    };
    json.leave();
    return argument;
  }

  private FloatLike symFloat() {
    var tag = json.enterUnion();
    var argument = switch (tag) {
      case "as_float" -> new FloatArg(json.number());
      case "as_name" -> new SymFloatArg(json.string());
      default -> throw json.malformed("is not a symbolic float");
    };
    json.leave();
    return argument;
  }

  private BoolLike symBool() {
    var tag = json.enterUnion();
    var argument = switch (tag) {
      case "as_bool" -> new BoolArg(json.bool());
      case "as_name" -> new SymBoolArg(json.string());
      default -> throw json.malformed("is not a symbolic boolean");
    };
    json.leave();
    return argument;
  }

  private <E> Argument numbered(String tag, NumberTable<E> table, Function<E, Argument> argument) {
    long number = json.integer();
    var value = table.of(number);
    return value == null ? new UnknownArg(tag + " number " + number) : argument.apply(value);
  }

  DeviceArg device() {
    String type = null;
    Integer index = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "type" -> type = json.string();
        case "index" -> {
          var given = json.orNull(json::integer);
          index = given == null ? null : Math.toIntExact(given);
        }
        default -> json.skip();
      }
    }
    return new DeviceArg(json.require(type, "type"), index);
  }

  private Argument graph() {
    String name = null;
    GraphModel graph = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "name" -> name = json.string();
        case "graph" -> graph = graphs.read();
        default -> json.skip();
      }
    }
    return new Argument.GraphArg(json.require(name, "name"), json.require(graph, "graph"));
  }

  private Argument complex() {
    Double real = null;
    Double imaginary = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "real" -> real = json.number();
        case "imag" -> imaginary = json.number();
        default -> json.skip();
      }
    }
    return new Argument.ComplexArg(json.require(real, "real"), json.require(imaginary, "imag"));
  }

  private Argument customObject() {
    String name = null;
    String className = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "name" -> name = json.string();
        case "class_fqn" -> className = json.string();
        default -> json.skip();
      }
    }
    return new Argument.CustomObjArg(json.require(name, "name"), json.require(className, "class_fqn"));
  }
}
