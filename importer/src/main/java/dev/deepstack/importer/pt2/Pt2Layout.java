package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.PayloadConfig.Payload;
import dev.deepstack.importer.pt2.Signature.InputSpec;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.InvalidInputException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/// Finds the parts of a program in any of the three layouts.
final class Pt2Layout {
  private static final String OLD_PROGRAM = "serialized_exported_program.json";
  private static final String OLD_WEIGHTS = "serialized_state_dict.pt";
  private static final String OLD_CONSTANTS = "serialized_constants.pt";
  private static final int TEXT_BYTES_MAX = 256;
  private static final long CHECKED_BYTES_MAX = 256L << 20;

  private final ZipArchive zip;
  private final Place place;
  private final Arena arena;
  private final boolean checked;
  private final Map<String, TorchSave> blobs = new HashMap<>();

  Pt2Layout(ZipArchive zip, Place place, Arena arena) {
    this.zip = zip;
    this.place = place;
    this.arena = arena;
    this.checked = zip.names().stream().mapToLong(zip::size).sum() <= CHECKED_BYTES_MAX;
  }

  /// The program of that name; without one, the program of the default name or the only one.
  Pt2Model read(@Nullable String model, String defaultModel) {
    var read = zip.contains(OLD_PROGRAM) ? old(defaultModel) : archive(model, defaultModel);
    if (model != null && !model.equals(read.name())) {
      throw noSuchModel(model, List.of(read.name()));
    }
    requireWeights(read);
    return read;
  }

  private InvalidInputException noSuchModel(String model, List<String> models) {
    return new InvalidInputException(place.text() + " holds no program " + Place.quote(model)
        + "; choose one of " + Place.quote(String.join(", ", models)));
  }

  private Pt2Model old(String name) {
    var version = zip.text("version", TEXT_BYTES_MAX);
    if (version != null && !version.strip().startsWith(ProgramReader.SCHEMA_MAJOR + ".")) {
      throw place.unsupported("the file has format version " + Place.quote(version.strip()) + ", but only "
          + ProgramReader.SCHEMA_MAJOR + ".x is read; export the model again with torch 2.6 or later");
    }
    var program = ProgramReader.read(zip.read(OLD_PROGRAM), place.in(OLD_PROGRAM));
    return new Pt2Model(name, program, pickled(OLD_WEIGHTS), pickled(OLD_CONSTANTS));
  }

  private Pt2Model archive(@Nullable String model, String defaultModel) {
    var root = root();
    checkArchive(root);
    var models = zip.names().stream()
        .filter(name -> name.startsWith(root + "models/") && name.endsWith(".json"))
        .map(name -> name.substring((root + "models/").length(), name.length() - ".json".length()))
        .filter(name -> name.indexOf('/') < 0)
        .toList();
    if (models.isEmpty()) {
      throw noProgram();
    }
    var name = model != null ? model : models.size() == 1 ? models.getFirst() : defaultModel;
    if (!models.contains(name)) {
      if (model != null) {
        throw noSuchModel(model, models);
      }
      throw place.unsupported("the file holds several programs (" + Place.quote(String.join(", ", models))
          + "); name the one to use");
    }
    var entry = root + "models/" + name + ".json";
    var program = ProgramReader.read(zip.read(entry), place.in(entry));
    var weights = payloads(List.of(root + "data/weights/", root + "xl_model_weights/"), name,
        List.of("_weights_config.json", "_model_param_config.json"));
    var constants = payloads(List.of(root + "data/constants/"), name,
        List.of("_constants_config.json", "_model_constants_config.json"));
    return new Pt2Model(name, program, weights, constants);
  }

  /// The folder everything lies in; it is named after the file it was first written to.
  private String root() {
    for (var marker : List.of("/archive_format", "/archive_version", "/.data/version")) {
      for (var name : zip.names()) {
        if (name.endsWith(marker) && name.indexOf('/') == name.length() - marker.length()) {
          return name.substring(0, name.length() - marker.length() + 1);
        }
      }
    }
    for (var name : zip.names()) {
      if (name.matches("[^/]+/models/[^/]+\\.json")) {
        return name.substring(0, name.indexOf('/') + 1);
      }
    }
    throw noProgram();
  }

  private RuntimeException noProgram() {
    SequencedSet<String> names = zip.names();
    if (names.stream().anyMatch(name -> name.contains("/aotinductor/") || name.contains("/executorch/"))) {
      return place.unsupported("the file holds a program that was already compiled for another runtime; save"
          + " the result of torch.export itself with torch.export.save");
    }
    if (names.stream().anyMatch(name -> name.endsWith("/data.pkl"))) {
      return place.unsupported("the file comes from torch.save or torch.jit, which store Python objects; use"
          + " torch.export.export and torch.export.save");
    }
    return place.malformed("it is a zip archive without an exported program");
  }

  private void checkArchive(String root) {
    var format = zip.text(root + "archive_format", TEXT_BYTES_MAX);
    var version = zip.text(root + "archive_version", TEXT_BYTES_MAX);
    var order = zip.text(root + "byteorder", TEXT_BYTES_MAX);
    if (zip.contains(root + "data.pkl")) {
      throw noProgram();
    }
    if (format != null && !format.strip().equals("pt2")) {
      throw place.unsupported("the archive has the format " + Place.quote(format.strip())
          + " instead of pt2; save the result of torch.export with torch.export.save");
    }
    if (version != null && !version.strip().equals("0")) {
      throw place.unsupported("the archive has version " + Place.quote(version.strip())
          + ", but only version 0 is read; use a newer DeepStack or export with torch 2.9 to 2.15");
    }
    if (order != null && !order.strip().equals("little")) {
      throw place.unsupported("the file was written on a big-endian machine; save it on a little-endian one");
    }
  }

  private Weights payloads(List<String> folders, String model, List<String> configs) {
    for (var folder : folders) {
      if (zip.contains(folder + model + ".pt")) {
        return pickled(folder + model + ".pt");
      }
      for (var config : configs) {
        var entry = folder + model + config;
        if (zip.contains(entry)) {
          return configured(folder, entry);
        }
      }
    }
    return new WeightsBuilder().build();
  }

  private Weights pickled(String entry) {
    var weights = new WeightsBuilder();
    if (zip.contains(entry) && zip.size(entry) > 0) {
      blob(entry).addAll(weights);
    }
    return weights.build();
  }

  private Weights configured(String folder, String config) {
    var weights = new WeightsBuilder();
    for (var payload : PayloadConfig.read(zip.read(config), place.in(config)).entrySet()) {
      add(weights, payload.getKey(), payload.getValue(), folder, config);
    }
    return weights.build();
  }

  private void add(WeightsBuilder weights, String name, Payload payload, String folder, String config) {
    var meta = payload.meta();
    var here = place.in(config);
    if (meta == null) {
      weights.refuse(name, "script object or other Python object", here);
      return;
    }
    var entry = folder + payload.path();
    if (payload.pickled()) {
      blob(entry).addOne(name, weights);
      return;
    }
    if (meta.layout() != Argument.Layout.STRIDED) {
      weights.refuse(name, meta.layout() + " tensor", here);
      return;
    }
    boolean constant = meta.shape().isStatic() && meta.strides().stream().allMatch(Dim::isConstant)
        && meta.storageOffset().isConstant();
    if (!constant) {
      throw here.malformed("the stored tensor " + Place.quote(name) + " has symbolic sizes");
    }
    weights.add(name, meta.type(), meta.shape().toLongs(), longs(meta.strides()),
        meta.storageOffset().constant(), content(entry), here);
  }

  /// Read once, however many tensors name it, so that they share its storages.
  private TorchSave blob(String entry) {
    return blobs.computeIfAbsent(entry, name -> new TorchSave(content(name), place.in(name), arena));
  }

  private MemorySegment content(String entry) {
    return checked ? zip.read(entry) : zip.map(entry);
  }

  private static long[] longs(List<Dim> dims) {
    return dims.stream().mapToLong(Dim::constant).toArray();
  }

  private void requireWeights(Pt2Model model) {
    var parameters = model.program().signature().inputs().stream()
        .filter(InputSpec.Parameter.class::isInstance)
        .map(spec -> ((InputSpec.Parameter) spec).parameterName())
        .toList();
    if (!parameters.isEmpty() && parameters.stream().noneMatch(model.weights()::contains)) {
      throw place.unsupported("the file holds the program but none of its " + parameters.size()
          + " weights; export and save the model with its weights");
    }
  }
}
