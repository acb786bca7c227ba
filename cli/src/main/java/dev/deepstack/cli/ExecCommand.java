package dev.deepstack.cli;

import dev.deepstack.api.Model;
import dev.deepstack.cli.output.Output;
import dev.deepstack.program.Port;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.Safetensors;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Runs a model once on tensors.
@Command(name = "exec", mixinStandardHelpOptions = true,
    description = {"Runs a model once on tensors from a safetensors file.",
        "Inputs are called in0, in1, … or by the program's names (see deepstack inspect); so are the outputs."})
final class ExecCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "A .pt2 or .dsp file, or a folder with one.")
  private String model = "";

  @Option(names = "--inputs", required = true, paramLabel = "FILE", description = "Input tensors (safetensors).")
  private Path inputs = Path.of("");

  @Option(names = "--outputs", required = true, paramLabel = "FILE", description = "Where to write the results.")
  private Path outputs = Path.of("");

  @Option(names = "--state", paramLabel = "FILE", description = "State (caches) to begin with, as saved before.")
  private @Nullable Path state;

  @Option(names = "--save-state", paramLabel = "FILE", description = "Where to write the state afterwards.")
  private @Nullable Path saveState;

  @Mixin
  private CommonOptions common = new CommonOptions();

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    PrintWriter out = output.out();
    try (Arena arena = Arena.ofShared();
        var loaded = Model.load(Models.find(model), common.load(output.err()))) {
      Map<String, HostTensor> given = Safetensors.read(inputs, arena);
      Map<String, HostTensor> named = named(given, loaded.inputs());
      if (state != null) {
        restore(Safetensors.read(state, arena), loaded.executable().states());
      }
      SequencedMap<String, HostTensor> results = loaded.run(named);
      Safetensors.write(outputs, keyed(results, given.keySet().stream().anyMatch(k -> k.matches("in\\d+"))));
      if (saveState != null) {
        Safetensors.write(saveState, loaded.executable().states());
      }
      report(out, results);
    }
    return 0;
  }

  /// Keys `in<i>` count the program's inputs; other keys are names.
  private static Map<String, HostTensor> named(Map<String, HostTensor> given, List<Port> ports) {
    var named = new LinkedHashMap<String, HostTensor>();
    boolean known = given.keySet().stream().allMatch(k -> ports.stream().anyMatch(p -> p.name().equals(k)));
    if (known) {
      return given;
    }
    given.forEach((key, tensor) -> {
      int index = key.matches("in\\d{1,6}") ? Integer.parseInt(key.substring(2)) : ports.size();
      named.put(index < ports.size() ? ports.get(index).name() : key, tensor);
    });
    return named;
  }

  private static SequencedMap<String, HostTensor> keyed(SequencedMap<String, HostTensor> results, boolean numbered) {
    if (!numbered) {
      return results;
    }
    var keyed = new LinkedHashMap<String, HostTensor>();
    results.values().forEach(t -> keyed.put("out" + keyed.size(), t));
    return keyed;
  }

  private static void restore(Map<String, HostTensor> saved, Map<String, HostTensor> states) {
    saved.forEach((name, value) -> {
      HostTensor target = states.get(name);
      if (target == null) {
        throw new InvalidInputException("the model has no state \"" + name + "\"; its states are "
            + String.join(", ", states.keySet()));
      }
      if (!target.type().equals(value.type())) {
        throw new InvalidInputException("state \"" + name + "\" must be " + target.type() + ", not " + value.type());
      }
      target.data().copyFrom(value.data());
    });
  }

  private void report(PrintWriter out, SequencedMap<String, HostTensor> results) {
    if (output.isJson()) {
      var types = new LinkedHashMap<String, String>();
      results.forEach((name, t) -> types.put(name, t.type().toString()));
      output.print(Map.of("outputs", types, "file", outputs.toString()));
    } else {
      results.forEach((name, t) -> out.println(name + " " + t.type()));
      out.println("written to " + outputs);
    }
  }
}
