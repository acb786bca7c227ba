package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.Argument.TensorArg;
import dev.deepstack.importer.pt2.Signature.InputSpec;
import dev.deepstack.importer.pt2.Signature.OutputSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Reads the specs of graph inputs and outputs.
final class SignatureReader {
  private final JsonCursor json;
  private final ArgumentReader arguments;

  SignatureReader(JsonCursor json, ArgumentReader arguments) {
    this.json = json;
    this.arguments = arguments;
  }

  Signature read() {
    List<InputSpec> inputs = null;
    List<OutputSpec> outputs = null;
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "input_specs" -> inputs = json.list(this::input);
        case "output_specs" -> outputs = json.list(this::output);
        default -> json.skip();
      }
    }
    return new Signature(json.require(inputs, "input_specs"), json.require(outputs, "output_specs"));
  }

  /// The fields of one spec; all specs are flat and use few keys.
  private final class Fields {
    private final Map<String, String> names = new HashMap<>();
    private final Map<String, Argument> values = new HashMap<>();
    private boolean persistent = true;

    /// `union` says whether `arg` is a full argument rather than `{name}`.
    Fields(boolean union) {
      for (var key = json.enter(); key != null; key = json.next()) {
        switch (key) {
          case "arg" -> values.put(key, union ? arguments.read() : new TensorArg(arguments.name()));
          case "value" -> values.put(key, arguments.read());
          case "persistent" -> persistent = json.bool();
          case "name", "parameter_name", "buffer_name", "tensor_constant_name", "custom_obj_name",
              "user_input_name" -> names.put(key, json.string());
          default -> json.skip();
        }
      }
    }

    String name(String key) {
      return json.require(names.get(key), key);
    }

    Argument argument(String key) {
      return json.require(values.get(key), key);
    }

    /// The name of the value the spec is about.
    String value() {
      return ((TensorArg) argument("arg")).name();
    }
  }

  private InputSpec input() {
    var tag = json.enterUnion();
    var fields = new Fields(tag.equals("user_input"));
    var spec = switch (tag) {
      case "parameter" -> new InputSpec.Parameter(fields.value(), fields.name("parameter_name"));
      case "buffer" -> new InputSpec.Buffer(fields.value(), fields.name("buffer_name"), fields.persistent);
      case "tensor_constant" ->
          new InputSpec.TensorConstant(fields.value(), fields.name("tensor_constant_name"));
      case "custom_obj" -> new InputSpec.CustomObj(fields.value(), fields.name("custom_obj_name"));
      case "token" -> new InputSpec.Token(fields.value());
      case "constant_input" -> new InputSpec.ConstantInput(fields.name("name"), fields.argument("value"));
      case "user_input" -> new InputSpec.UserInput(fields.argument("arg"));
      default -> throw json.malformed("is an input of unknown kind " + Place.quote(tag));
    };
    json.leave();
    return spec;
  }

  private OutputSpec output() {
    var tag = json.enterUnion();
    var fields = new Fields(tag.equals("user_output"));
    var spec = switch (tag) {
      case "buffer_mutation" -> new OutputSpec.BufferMutation(fields.value(), fields.name("buffer_name"));
      case "parameter_mutation" ->
          new OutputSpec.ParameterMutation(fields.value(), fields.name("parameter_name"));
      case "user_input_mutation" ->
          new OutputSpec.UserInputMutation(fields.value(), fields.name("user_input_name"));
      case "user_output" -> new OutputSpec.UserOutput(fields.argument("arg"));
      case "loss_output" -> new OutputSpec.Loss(fields.value());
      case "gradient_to_parameter" ->
          new OutputSpec.GradientToParameter(fields.value(), fields.name("parameter_name"));
      case "gradient_to_user_input" ->
          new OutputSpec.GradientToUserInput(fields.value(), fields.name("user_input_name"));
      case "token" -> new OutputSpec.Token(fields.value());
      default -> throw json.malformed("is an output of unknown kind " + Place.quote(tag));
    };
    json.leave();
    return spec;
  }
}
