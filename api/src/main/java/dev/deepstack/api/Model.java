package dev.deepstack.api;

import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Decoding;
import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.program.ProgramFile;
import dev.deepstack.runtime.Executable;
import dev.deepstack.runtime.PackedCopy;
import dev.deepstack.runtime.memory.MachineMemory;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.UnsupportedModelException;
import dev.deepstack.text.Tokenizer;
import dev.deepstack.text.TokenizerException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/// A model, loaded and ready to run.
///
/// ```java
/// try (var model = Model.load(Path.of("model.pt2"))) {
///   HostTensor y = model.run(HostTensor.of(new float[] {1, 2, 3}, 1, 3)).firstEntry().getValue();
/// }
/// ```
public final class Model implements AutoCloseable {
  private final CompiledModel compiled;
  private final Executable executable;
  private final WeightFiles files;
  private final Optional<Tokenizer> tokenizer;
  private final DecoderOptions options;
  private @Nullable Engine engine;
  private boolean closed;

  private Model(
      CompiledModel compiled, Executable executable, WeightFiles files, Optional<Tokenizer> tokenizer,
      DecoderOptions options) {
    this.files = files;
    this.options = options;
    this.compiled = compiled;
    this.executable = executable;
    this.tokenizer = tokenizer;
  }

  /// Loads a `.pt2` file, a `.dsp` file, a `.gguf` file, a folder that holds one of them and perhaps a
  /// `tokenizer.json`, or a checkpoint folder: `config.json` and safetensors.
  ///
  /// @throws InvalidInputException when there is no such model
  /// @throws dev.deepstack.tensor.MalformedModelException when the file is broken
  /// @throws UnsupportedModelException when it needs something DeepStack lacks; everything is named at once
  public static Model load(Path path) {
    return load(path, LoadOptions.standard());
  }

  public static Model load(Path path, LoadOptions options) {
    ModelFiles files = ModelFiles.find(path);
    // Looked at before anything is mapped, so that packed weights never get the name of files that came later.
    WeightFiles weights = WeightFiles.of(files.model());
    CompiledModel compiled = files.isProgram() ? ProgramFile.read(files.model()) : compile(files.model(), options);
    try {
      int threads = options.threads() == 0 ? Runtime.getRuntime().availableProcessors() : options.threads();
      var tokenizer = tokenizer(files, compiled, options);
      Map<String, Long> fixed = fixed(compiled, options);
      Decoding decoding = compiled.decoding();
      PackedCopy.@Nullable Place place = decoding != null && options.decoder().packed()
          ? PackedPlace.of(files.model(), weights, options.progress()) : null;
      if (decoding != null) {
        var check = new MemoryCheck(compiled, decoding, options.decoder(), threads, MachineMemory.available(),
            MachineMemory.now());
        options.progress().accept(check.sentence(place));
      }
      weights.watch(null);
      weights.check();
      Executable executable =
          Executable.open(compiled.programs(), compiled.weights(), compiled.states(), threads, fixed, place);
      try {
        if (place != null) {
          weights.watch(place.file());
        }
        weights.check();
        return new Model(compiled, executable, weights, tokenizer, options.decoder());
      } catch (RuntimeException | Error e) {
        executable.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      weights.close();
      compiled.close();
      throw e;
    }
  }

  /// A decoder whose tokenizer is of no use still continues token ids.
  private static Optional<Tokenizer> tokenizer(ModelFiles files, CompiledModel compiled, LoadOptions options) {
    try {
      return files.tokenizer(compiled);
    } catch (TokenizerException e) {
      if (compiled.decoding() == null) {
        throw e;
      }
      options.progress().accept("only token ids can be used, since the tokenizer cannot: " + e.getMessage() + ".");
      return Optional.empty();
    }
  }

  /// What is said when a model is loaded: how much its caches hold.
  private static Map<String, Long> fixed(CompiledModel compiled, LoadOptions options) {
    Decoding decoding = compiled.decoding();
    return decoding == null ? Map.of()
        : Map.of(Decoding.SLOTS, options.decoder().slots(decoding.contextMax(), decoding.pageSlots()));
  }

  /// Compiles without loading: for writing a `.dsp`.
  public static CompiledModel compile(Path path, LoadOptions options) {
    ModelFiles files = ModelFiles.find(path);
    if (files.isProgram()) {
      throw new InvalidInputException(files.model() + " is compiled already; give the .pt2 it was made from");
    }
    ModelCompiler compiler = ServiceLoader.load(ModelCompiler.class).stream().map(ServiceLoader.Provider::get)
        .filter(c -> c.compiles(files.model())).findFirst().orElseThrow(
            () -> new UnsupportedModelException(files.model() + " must be compiled and no compiler for it is on the "
                + "class path; add dev.deepstack:deepstack-compiler, or load a .dsp made by deepstack compile"));
    CompiledModel compiled = compiler.compile(files.model(), new ModelCompiler.Options(options.cpu(), options.cached(),
        options.progress(), options.decoder().cacheType(), options.decoder().exact(),
        options.decoder().contextWanted()));
    return compiled.withTokenizer(files.tokenizerText());
  }

  /// What a call takes.
  public List<Port> inputs() {
    return executable.inputs();
  }

  /// What a call gives.
  public List<Port> results() {
    return executable.results();
  }

  /// Runs the model. States such as caches stay in the model between calls.
  ///
  /// @param inputs by name, exactly [#inputs]
  /// @throws InvalidInputException when they do not fit, or the model's files were changed since it was loaded
  public SequencedMap<String, HostTensor> run(Map<String, HostTensor> inputs) {
    files.check();
    SequencedMap<String, HostTensor> results = executable.run(inputs);
    files.requireUndamaged();
    return results;
  }

  /// Runs the model on inputs in the order of [#inputs].
  public SequencedMap<String, HostTensor> run(HostTensor... inputs) {
    if (inputs.length != inputs().size()) {
      throw new InvalidInputException("the model takes " + inputs().size() + " inputs ("
          + String.join(", ", inputs().stream().map(p -> p.name() + " " + p.type()).toList()) + "), not "
          + inputs.length);
    }
    var named = new LinkedHashMap<String, HostTensor>();
    for (int i = 0; i < inputs.length; i++) {
      named.put(inputs().get(i).name(), inputs[i]);
    }
    return run(named);
  }

  /// All states as they were when the model was loaded.
  public void reset() {
    executable.reset();
  }

  /// Text generation, when the model is a language model: a decoder with paged caches, or an exported model that turns
  /// token ids i64[1,T] and positions i64[T] into logits [1,T,vocab].
  ///
  /// @throws InvalidInputException when it is not, saying why
  public Generator generator() {
    return new Generator(engine(), files, tokenizer, compiled.decoding());
  }

  /// One for all generators: it knows what is in the caches.
  private synchronized Engine engine() {
    Engine known = engine;
    if (known == null) {
      Decoding decoding = compiled.decoding();
      known = decoding == null
          ? new SingleEngine(executable, LanguageModel.recognise(executable, compiled.context()))
          : new PagedEngine(executable, decoding, options.slots(decoding.contextMax(), decoding.pageSlots()),
              options.sequences());
      engine = known;
    }
    return known;
  }

  /// The tokenizer that came with the model.
  public Optional<Tokenizer> tokenizer() {
    return tokenizer;
  }

  /// The program in memory, for inspection and for calls without copies.
  public Executable executable() {
    return executable;
  }

  /// The compiled programs.
  public List<Program> programs() {
    return compiled.programs();
  }

  /// States before the first step, context, and the rest of what was compiled.
  public CompiledModel compiled() {
    return compiled;
  }


  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    files.close();
    executable.close();
    compiled.close();
  }
}
