package dev.deepstack.bench.models;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
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
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/// `deepstack bench models`: milliseconds per forward pass of whole models, DeepStack and its peers in the same
/// process, in turns. `--json` prints one object on the last line, otherwise there is a table.
public final class Models {
  private static final int THREADS = 2;
  private static final List<String> NAMES = List.of("resnet50", "bert_base", "mobilenet_v2");
  private static final List<String> ENDINGS = List.of("pt2", "ts", "onnx", "safetensors");

  /// How far a result may be from PyTorch's, as a share of the largest number in it: sums of a model's depth in f32,
  /// each engine adding in an order of its own.
  private static final double ERROR_MAX = 1e-3;

  private Models() {}

  /// @param arguments `--json`, `--models FOLDER`, `--turns N`, `--only NAME`
  public static void main(String[] arguments) throws Exception {
    System.setProperty("org.bytedeco.javacpp.nopointergc", "true"); // as for the overhead: for libtorch's good
    boolean json = false;
    int turns = 10;
    List<String> names = NAMES;
    Path folder = Path.of("models");
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--json" -> json = true;
        case "--models" -> folder = Path.of(value(arguments, ++i));
        case "--turns" -> turns = Integer.parseInt(value(arguments, ++i));
        case "--only" -> names = List.of(value(arguments, ++i).split(","));
        default -> throw new IllegalArgumentException("unknown option " + arguments[i]);
      }
    }
    if (!isComplete(folder, names)) {
      System.exit(1);
    }
    Map<String, Result> results = new LinkedHashMap<>();
    for (String name : names) {
      Result result = measure(folder, name, turns);
      results.put(name, result);
      if (!json) {
        print(name, result);
      }
    }
    if (json) {
      var mapper = JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
      System.out.println(mapper.writeValueAsString(results));
    }
  }

  private static boolean isComplete(Path folder, List<String> names) {
    List<Path> missing = names.stream()
        .flatMap(name -> ENDINGS.stream().map(ending -> folder.resolve(name + "." + ending)))
        .filter(file -> !Files.isRegularFile(file)).toList();
    if (!missing.isEmpty()) {
      System.err.println("There is no " + missing.getFirst() + (missing.size() == 1 ? "" : ", nor "
          + (missing.size() - 1) + " more") + ". The models' files are too large to be kept with the code; make them by"
          + "\n  pip install torch==2.14.1 torchvision transformers safetensors onnx onnxscript"
          + "\n  python bench/models/large.py " + folder);
    }
    return missing.isEmpty();
  }

  /// How one engine did: milliseconds of a forward pass, and how far its result is from PyTorch's, as a share of the
  /// largest number in it.
  public record Engine(double ms, double error) {}

  /// How one model did.
  ///
  /// @param compileSeconds from the file to a model that is ready to run, with nothing in the cache
  /// @param cachedSeconds the same with everything in the cache
  /// @param timesTheFaster speed of DeepStack, as a multiple of the fastest peer's
  public record Result(
      double compileSeconds, double cachedSeconds, double timesTheFaster, SequencedMap<String, Engine> engines) {}

  private static Result measure(Path folder, String name, int turns) throws Exception {
    try (Arena arena = Arena.ofConfined()) {
      Graph graph = Graph.read(folder, name, arena);
      double compiled = loadSeconds(graph, false);
      loadSeconds(graph, true);
      double cached = loadSeconds(graph, true);
      SequencedMap<String, Peer.Opener> openers = openers();
      SequencedMap<String, Engine> engines = new LinkedHashMap<>();
      double fastest = Double.POSITIVE_INFINITY;
      try (var comparison = new Comparison(graph, openers, ERROR_MAX * graph.magnitude())) {
        double[] micros = comparison.medianMicros(new Stopwatch(turns, 5, 20_000, 250));
        double[] errors = comparison.errors();
        int p = 0;
        for (String engine : openers.keySet()) {
          engines.put(engine, new Engine(rounded(micros[p] / 1e3, 100), errors[p] / graph.magnitude()));
          fastest = p == 0 ? fastest : Math.min(fastest, micros[p]);
          p++;
        }
        return new Result(compiled, cached, rounded(fastest / micros[0], 1000), engines);
      }
    }
  }

  /// DeepStack first.
  private static SequencedMap<String, Peer.Opener> openers() {
    SequencedMap<String, Peer.Opener> openers = new LinkedHashMap<>();
    openers.put("deepstack", graph -> new DeepStackPeer(graph, THREADS));
    openers.put("onnxruntime", graph -> new OnnxRuntimePeer(graph, THREADS));
    openers.put("libtorch", graph -> new TorchScriptPeer(graph, THREADS, true));
    return openers;
  }

  /// From the file to a model that is ready to run.
  private static double loadSeconds(Graph graph, boolean cached) {
    long start = System.nanoTime();
    Model.load(graph.file("pt2"), new LoadOptions(THREADS, "native", cached, _ -> {})).close();
    return rounded((System.nanoTime() - start) / 1e9, 1000);
  }

  private static double rounded(double value, double steps) {
    return Math.round(value * steps) / steps;
  }

  private static void print(String name, Result result) {
    System.out.printf(Locale.ROOT, "%s%n", name);
    result.engines().forEach((engine, e) -> System.out.printf(
        Locale.ROOT, "  %-12s %9.2f ms   off by %.1e of the largest output%n", engine, e.ms(), e.error()));
    System.out.printf(Locale.ROOT, "  %.2f times the faster of the two; compiled in %.2f s, from the cache in %.2f s%n",
        result.timesTheFaster(), result.compileSeconds(), result.cachedSeconds());
  }

  private static String value(String[] arguments, int at) {
    if (at >= arguments.length) {
      throw new IllegalArgumentException(arguments[at - 1] + " needs a value");
    }
    return arguments[at];
  }
}
