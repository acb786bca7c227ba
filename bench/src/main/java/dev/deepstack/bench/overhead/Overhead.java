package dev.deepstack.bench.overhead;

import dev.deepstack.bench.peer.Comparison;
import dev.deepstack.bench.peer.DeepStackPeer;
import dev.deepstack.bench.peer.Graph;
import dev.deepstack.bench.peer.OnnxRuntimePeer;
import dev.deepstack.bench.peer.Peer;
import dev.deepstack.bench.peer.Stopwatch;
import dev.deepstack.bench.peer.TorchScriptPeer;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;

/// `deepstack bench overhead`: microseconds per forward pass of two tiny graphs, DeepStack and its peers
/// in the same process, in turns. `--json` prints one object on the last line, otherwise there is a
/// table.
public final class Overhead {

  private static final int THREADS = 2;
  private static final double ERROR_MAX = 1e-4;

  /// The graphs, and how many operators each has as PyTorch counts them.
  private static final Map<String, Integer> OPERATORS = new TreeMap<>(Map.of("transformer", 208, "chain", 200));

  private Overhead() {}

  /// @param arguments `--json`, `--models FOLDER`, `--turns N`
  public static void main(String[] arguments) throws Exception {
    // Half of libtorch's time here would be the bookkeeping of its Java binding for the garbage collector.
    System.setProperty("org.bytedeco.javacpp.nopointergc", "true");
    boolean json = false;
    int turns = 60;
    Path models = defaultModels();
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--json" -> json = true;
        case "--models" -> models = Path.of(value(arguments, ++i));
        case "--turns" -> turns = Integer.parseInt(value(arguments, ++i));
        default -> throw new IllegalArgumentException("unknown option " + arguments[i]);
      }
    }
    SequencedMap<String, Peer.Opener> openers = openers();
    Map<String, Map<String, Double>> micros = new LinkedHashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      for (var entry : OPERATORS.entrySet()) {
        Graph graph = Graph.read(models, entry.getKey(), arena);
        Map<String, Double> measured = measure(graph, openers, new Stopwatch(turns, 5, 2_000, 1));
        micros.put(graph.name(), measured);
        if (!json) {
          print(graph.name(), entry.getValue(), measured);
        }
      }
    }
    if (json) {
      System.out.println(JsonMapper.shared().writeValueAsString(micros));
    }
  }

  /// The keys are those of the JSON.
  private static SequencedMap<String, Peer.Opener> openers() {
    SequencedMap<String, Peer.Opener> openers = new LinkedHashMap<>();
    openers.put("deepstack_us", graph -> new DeepStackPeer(graph, THREADS));
    openers.put("onnxruntime_us", graph -> new OnnxRuntimePeer(graph, THREADS));
    openers.put("libtorch_us", graph -> new LibtorchPeer(graph, THREADS));
    openers.put("torchscript_us", graph -> new TorchScriptPeer(graph, THREADS, false));
    openers.put("torchscript_frozen_us", graph -> new TorchScriptPeer(graph, THREADS, true));
    openers.put("deepstack_run_us", graph -> new DeepStackCopyPeer(graph, THREADS));
    return openers;
  }

  private static Map<String, Double> measure(
      Graph graph, SequencedMap<String, Peer.Opener> openers, Stopwatch watch) throws Exception {
    try (var comparison = new Comparison(graph, openers, ERROR_MAX)) {
      double[] medians = comparison.medianMicros(watch);
      Map<String, Double> micros = new LinkedHashMap<>();
      int p = 0;
      for (String key : openers.keySet()) {
        micros.put(key, Math.round(medians[p++] * 100) / 100.0);
      }
      return micros;
    }
  }

  private static void print(String graph, int operators, Map<String, Double> micros) {
    System.out.printf("%-24s %12s %12s%n", graph, "us/forward", "us/op");
    micros.forEach((key, value) -> System.out.printf(
        Locale.ROOT, "  %-22s %12.2f %12.3f%n", key.replace("_us", ""), value, value / operators));
  }

  private static String value(String[] arguments, int at) {
    if (at >= arguments.length) {
      throw new IllegalArgumentException(arguments[at - 1] + " needs a value");
    }
    return arguments[at];
  }

  /// `bench/models` of the checkout this class was built in.
  private static Path defaultModels() throws Exception {
    Path code = Path.of(Overhead.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    for (Path at = code; at != null; at = at.getParent()) {
      if (Files.isRegularFile(at.resolve("models/chain.pt2"))) {
        return at.resolve("models");
      }
    }
    return Path.of("bench", "models");
  }
}
