package dev.deepstack.importer.aten;

import dev.deepstack.importer.ImportedModel;
import dev.deepstack.importer.ImportedModel.Entry;
import dev.deepstack.importer.ImportedModel.FixedEntry;
import dev.deepstack.importer.ImportedModel.IntegerEntry;
import dev.deepstack.importer.ImportedModel.TensorEntry;
import dev.deepstack.importer.pt2.Argument;
import dev.deepstack.importer.pt2.ExportedProgram;
import dev.deepstack.importer.pt2.Pt2Model;
import dev.deepstack.importer.pt2.Signature.InputSpec;
import dev.deepstack.importer.pt2.Signature.OutputSpec;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Makes a graph of an exported program: binds inputs by the signature, lowers the nodes, names the results.
///
/// A program as exported does not say which buffers it changes. The first walk finds out; when there are any,
/// a second walk reads them as states.
public final class ProgramImporter {
  private final Pt2Model model;
  private final ExportedProgram program;
  private final Graph graph = new Graph();
  private final Emit e = new Emit(graph);
  private final Missing missing = new Missing();
  private final Scope scope;
  private final Bindings bindings;
  private final SequencedMap<String, Variable> callerTensors = new LinkedHashMap<>();
  private final List<Entry> inputs = new ArrayList<>();
  private final List<Entry> outputs = new ArrayList<>();
  private final SequencedMap<String, Value> updates = new LinkedHashMap<>();

  private ProgramImporter(Pt2Model model, Set<String> mutable) {
    this.model = model;
    this.program = model.program();
    this.scope = new Scope(program.graph());
    this.bindings = new Bindings(e, mutable);
  }

  /// @throws dev.deepstack.tensor.UnsupportedModelException naming everything that is missing
  public static ImportedModel read(Pt2Model model) {
    Operators operators = Operators.all();
    Set<String> mutable = new HashSet<>();
    while (true) {
      var importer = new ProgramImporter(model, mutable);
      importer.walk(operators);
      if (!mutable.addAll(importer.changed())) {
        return importer.result();
      }
    }
  }

  private void walk(Operators operators) {
    program.ranges().forEach(graph::symbol);
    bindInputs();
    new NodeLowering(e, operators, missing).lower(scope);
    bindOutputs();
    bindings.checkOverlaps(missing);
    callerTensors.forEach((name, variable) -> {
      if (variable.isWritten()) {
        missing.effect("a write into the input \"" + name + "\"");
      }
    });
    missing.report();
  }

  /// Graph names of the stored tensors this walk changed.
  private Set<String> changed() {
    var changed = new HashSet<>(bindings.written());
    changed.addAll(updates.keySet());
    return changed;
  }

  // ---- inputs

  private void bindInputs() {
    int next = 0;
    for (InputSpec spec : program.signature().inputs()) {
      switch (spec) {
        case InputSpec.Parameter(String value, String name) -> stored(spec, value, name);
        case InputSpec.Buffer(String value, String name, boolean _) -> stored(spec, value, name);
        case InputSpec.TensorConstant(String value, String name) -> stored(spec, value, name);
        case InputSpec.CustomObj(String value, String name) -> {
          missing.effect("the script object \"" + name + "\"");
          scope.lose(value);
        }
        case InputSpec.Token(String value) -> scope.lose(value);
        case InputSpec.ConstantInput(String _, Argument value) ->
            inputs.add(new FixedEntry(program.inputNames().get(next++), literal(value)));
        case InputSpec.UserInput(Argument argument) -> userInput(argument, program.inputNames().get(next++));
      }
    }
  }

  private void stored(InputSpec spec, String value, String name) {
    // A tensor that nothing reads may be missing from the file, or be of a type we lack.
    if (!scope.isRead(value)) {
      boolean there = switch (spec) {
        case InputSpec.Buffer(_, _, boolean persistent) ->
            (persistent ? model.weights() : model.constants()).tensors().containsKey(name);
        case InputSpec.TensorConstant _ -> model.constants().tensors().containsKey(name);
        default -> model.weights().tensors().containsKey(name);
      };
      if (!there) {
        return;
      }
    }
    try {
      StridedTensor tensor = model.tensor(spec);
      if (tensor != null) {
        scope.bind(value, bindings.bind(spec, name, tensor));
      }
    } catch (UnsupportedModelException unsupported) {
      missing.effect("the tensor \"" + name + "\" of type " + scope.meta(value).type().text());
      scope.lose(value);
    }
  }

  private void userInput(Argument argument, String name) {
    if (argument instanceof Argument.TensorArg(String value)) {
      Variable variable = Variable.of(graph.input(name, scope.type(value)));
      scope.bind(value, variable);
      callerTensors.put(name, variable);
      inputs.add(new TensorEntry(name));
    } else if (argument.valueNames().isEmpty()) {
      inputs.add(new FixedEntry(name, literal(argument)));
    } else {
      missing.effect("the input \"" + name + "\", a number that may differ from call to call");
    }
  }

  private static @Nullable Object literal(Argument argument) {
    return switch (argument) {
      case Argument.NoneArg _ -> null;
      case Argument.IntArg(long v) -> v;
      case Argument.FloatArg(double v) -> v;
      case Argument.BoolArg(boolean v) -> v;
      case Argument.StringArg(String v) -> v;
      case Argument.IntsArg(List<Long> v) -> v;
      case Argument.FloatsArg(List<Double> v) -> v;
      default -> argument.toString();
    };
  }

  // ---- outputs

  private void bindOutputs() {
    int next = 0;
    int tensors = 0;
    for (OutputSpec spec : program.signature().outputs()) {
      switch (spec) {
        case OutputSpec.BufferMutation(String value, String name) -> mutation(value, name);
        case OutputSpec.ParameterMutation(String value, String name) -> mutation(value, name);
        case OutputSpec.UserInputMutation(String _, String name) ->
            missing.effect("a write into the input \"" + name + "\"");
        case OutputSpec.UserOutput(Argument argument) -> {
          String given = program.outputNames().get(next++);
          boolean tensor = argument instanceof Argument.TensorArg;
          userOutput(argument, tensor && !isNamed(given) ? "out" + tensors : given);
          tensors += tensor ? 1 : 0;
        }
        case OutputSpec.Loss _, OutputSpec.GradientToParameter _, OutputSpec.GradientToUserInput _ ->
            missing.effect("gradients: export the model for inference");
        case OutputSpec.Token _ -> {}
      }
    }
    for (String name : bindings.written()) {
      updates.putIfAbsent(name, bindings.value(name));
    }
    updates.keySet().forEach(bindings::declare);
    updates.forEach(graph::update);
  }

  /// Whether the result has a key of its own. The others are `out0`, `out1` …: the tensors counted alone.
  private static boolean isNamed(String given) {
    return !given.matches("output(_\\d+(\\..*)?)?");
  }

  private void mutation(String value, String name) {
    if (!scope.isLost(value)) {
      String graphName = bindings.names().getOrDefault(name, name);
      Value after = scope.variable(value).read(e);
      Value other = updates.put(graphName, after);
      if (other != null && !other.equals(after)) {
        missing.effect("two different writes to \"" + graphName + "\"");
      }
    }
  }

  private void userOutput(Argument argument, String name) {
    switch (argument) {
      case Argument.TensorArg(String value) when scope.isLost(value) -> outputs.add(new TensorEntry(name));
      case Argument.TensorArg(String value) -> {
        graph.result(name, scope.variable(value).read(e));
        outputs.add(new TensorEntry(name));
      }
      case Argument.SymIntArg symbol -> {
        String own = isNamed(name) ? name : "size" + outputs.size();
        graph.result(own, e.of(new Op.DimValue(scope.dim(symbol))));
        outputs.add(new IntegerEntry(own));
      }
      default -> {
        if (argument.valueNames().isEmpty()) {
          String own = isNamed(name) ? name : "fixed" + outputs.size();
          outputs.add(new FixedEntry(own, literal(argument)));
        } else {
          missing.effect("a result that is neither a tensor nor an integer");
        }
      }
    }
  }

  // ---- result

  /// Those of the bodies of loops as well.
  private static void weights(Graph graph, Set<String> names) {
    graph.ops(Op.Weight.class).forEach(w -> names.add(w.name()));
    graph.ops(Op.Loop.class).forEach(l -> weights(l.body().graph(), names));
  }

  private ImportedModel result() {
    Graph live = LiveGraph.of(graph);
    var weights = new TreeSet<String>();
    weights(live, weights);
    var states = new TreeSet<>(updates.keySet());
    live.ops(Op.State.class).forEach(s -> states.add(s.name()));
    return new ImportedModel(live, bindings.tensors(weights), bindings.tensors(states), bindings.names(),
        inputs,
        outputs);
  }
}
