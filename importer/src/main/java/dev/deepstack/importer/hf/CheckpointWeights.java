package dev.deepstack.importer.hf;

import dev.deepstack.importer.FusedRows;
import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.importer.WeightSource;
import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.DecoderWeights;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Finds every weight of a decoder among the tensors of its files, and notes what does not fit.
final class CheckpointWeights {
  /// A tensor of the graph, made when asked for.
  interface Lazy {
    StridedTensor in(Arena arena);
  }

  private static final List<String> IGNORED = List.of("rotary_emb.inv_freq", ".k_scale", ".v_scale", ".input_scale");

  private final Path folder;
  private final DecoderSpec spec;
  private final Map<String, HostTensor> tensors;
  private final FileNames names;
  private final Set<String> used = new HashSet<>();
  private final List<String> problems = new ArrayList<>();
  private final Map<String, Lazy> found = new HashMap<>();
  private final SequencedMap<String, StoredForm> forms = new LinkedHashMap<>();

  CheckpointWeights(Path folder, DecoderSpec spec, Map<String, HostTensor> tensors) {
    this.folder = folder;
    this.spec = spec;
    this.tensors = tensors;
    names = new FileNames(spec.family());
  }

  /// The decoder, when everything is there and fits.
  ///
  /// @throws MalformedModelException naming all that does not
  ImportedDecoder decoder() {
    var stacks = new ExpertStacks(this);
    for (DecoderWeight w : DecoderWeights.of(spec)) {
      switch (w.role()) {
        case PER_HEAD -> perHead(w);
        case EXPERT -> {
          if (!stacks.find(w)) {
            experts(w);
          }
        }
        case BIAS -> {
          if (!stacks.findBias(w)) {
            linear(w);
          }
        }
        case LINEAR -> linear(w);
        case EMBEDDING, ROUTER, HEAD, NORM, VECTOR -> put(w, single(w, names.of(w.name()), w.extents()));
      }
    }
    unexpected();
    if (!problems.isEmpty()) {
      throw new MalformedModelException("the weights in " + folder + " do not fit its config.json: "
          + HfImporter.some(problems) + "; fetch the model again or mend the config");
    }
    Map<String, Lazy> all = Map.copyOf(found);
    WeightSource source = (name, arena) -> {
      Lazy lazy = all.get(name);
      if (lazy == null) {
        throw new InvalidInputException(folder + " has no weight named \"" + name + "\"");
      }
      return lazy.in(arena);
    };
    return new ImportedDecoder(spec, forms, source);
  }

  DecoderSpec spec() {
    return spec;
  }

  boolean has(String name) {
    return tensors.containsKey(name);
  }

  void problem(String text) {
    problems.add(text);
  }

  void put(String name, Lazy lazy) {
    found.put(name, lazy);
  }

  void form(DecoderWeight w, StoredForm form) {
    forms.put(w.name(), form);
  }

  private void put(DecoderWeight w, @Nullable StoredForm form) {
    forms.put(w.name(), form == null ? w.form(spec.storage()) : form);
  }

  /// Finds one tensor of the file under its graph name and gives its form, or null when something is wrong.
  private @Nullable StoredForm single(DecoderWeight w, String file, long[] shape) {
    return single(w.name(), w.form(spec.storage()), file, shape);
  }

  private @Nullable StoredForm single(String name, StoredForm declared, String file, long[] shape) {
    HostTensor tensor = checked(file, shape);
    if (tensor == null) {
      return null;
    }
    found.put(name, _ -> StridedTensor.of(tensor));
    if (isPlain(tensor)) {
      return new StoredForm.Plain(tensor.dtype());
    }
    if (tensor.dtype() != DType.F8E4M3 || !(declared instanceof StoredForm.Tiles tiles)) {
      problems.add(file + " is " + tensor.dtype().text() + ", not " + words(declared));
      return null;
    }
    return tiles(name, file, shape, tiles);
  }

  private @Nullable StoredForm tiles(String name, String file, long[] shape, StoredForm.Tiles tiles) {
    String scales = file + StoredForm.Tiles.SCALES;
    long[] across = {Math.ceilDiv(shape[0], tiles.rows()), Math.ceilDiv(shape[1], tiles.columns())};
    HostTensor scale = checked(scales, across);
    if (scale == null) {
      return null;
    }
    if (scale.dtype() != DType.F32 && scale.dtype() != DType.BF16) {
      problems.add(scales + " is " + scale.dtype().text() + ", not f32");
      return null;
    }
    found.put(name + StoredForm.Tiles.SCALES, _ -> StridedTensor.of(scale));
    return new StoredForm.Tiles(tiles.code(), scale.dtype(), tiles.rows(), tiles.columns());
  }

  /// Whether a tensor is of a dtype that is computed with as it is.
  static boolean isPlain(HostTensor tensor) {
    return tensor.dtype() == DType.F32 || tensor.dtype() == DType.BF16 || tensor.dtype() == DType.F16;
  }

  private static String words(StoredForm form) {
    return form instanceof StoredForm.Tiles ? "f8e4m3, bf16, f16 or f32" : "bf16, f16 or f32";
  }

  /// The file's tensor when it is there with this shape; it counts as used from now on.
  @Nullable HostTensor checked(String file, long... shape) {
    HostTensor tensor = tensors.get(file);
    if (tensor == null) {
      problems.add(file + " is missing");
      return null;
    }
    used.add(file);
    if (!Arrays.equals(tensor.shape(), shape)) {
      problems.add(file + " is " + Arrays.toString(tensor.shape()) + ", not " + Arrays.toString(shape));
      return null;
    }
    return tensor;
  }

  /// A tensor of its own, or rows of one that holds several matrices.
  private void linear(DecoderWeight w) {
    String own = names.of(w.name());
    FusedRows fused = has(own) ? null : FusedRows.of(w, spec);
    if (fused == null || !has(fused.file())) {
      put(w, single(w, own, w.extents()));
      return;
    }
    long[] shape = w.extents();
    long[] whole = shape.clone();
    whole[0] = fused.rows();
    form(w, w.form(spec.storage()));
    HostTensor tensor = checked(fused.file(), whole);
    if (tensor == null) {
      return;
    }
    if (!isPlain(tensor)) {
      problems.add(fused.file() + " is " + tensor.dtype().text() + ", not bf16, f16 or f32");
      return;
    }
    long columns = shape.length == 1 ? 1 : shape[1];
    long[] strides = shape.length == 1 ? new long[] {1} : new long[] {columns, 1};
    form(w, new StoredForm.Plain(tensor.dtype()));
    found.put(w.name(), _ -> new StridedTensor(tensor.dtype(), shape, strides, fused.first() * columns,
        tensor.data()));
  }

  /// One tensor per expert, all alike.
  private void experts(DecoderWeight w) {
    long[] shape = w.extents();
    long[] slice = Arrays.copyOfRange(shape, 1, shape.length);
    StoredForm first = null;
    for (long e = 0; e < shape[0]; e++) {
      String index = Long.toString(e);
      String file = names.of(w.name().replace("*", index));
      StoredForm form = single(w.name().replace("*", index), w.form(spec.storage()), file, slice);
      if (first != null && form != null && !first.equals(form)) {
        problems.add(file + " is not stored as the other experts' matrices are");
      }
      first = first == null ? form : first;
    }
    put(w, first);
  }

  /// The halves of the matrix that takes latents apart, per head.
  private void perHead(DecoderWeight w) {
    if (!(spec.layers().get(w.layer()).attention() instanceof AttentionSpec.Latent a)) {
      return;
    }
    boolean keys = w.name().endsWith(".k");
    String file = w.name().substring(0, w.name().length() - 2) + ".weight";
    long both = (long) a.nopeDim() + a.valueDim();
    StoredForm form = single(file, spec.storage().linear(), file, new long[] {a.heads() * both, a.rank()});
    long[] strides = keys ? new long[] {both * a.rank(), 1, a.rank()} : new long[] {both * a.rank(), a.rank(), 1};
    long offset = keys ? 0 : (long) a.nopeDim() * a.rank();
    Lazy codes = found.get(file);
    Lazy scales = found.get(file + StoredForm.Tiles.SCALES);
    if (form instanceof StoredForm.Tiles tiles && codes != null && scales != null) {
      found.put(w.name(), arena -> {
        HostTensor wide = TileDecoder.decode(codes.in(arena), scales.in(arena), tiles, arena);
        return new StridedTensor(DType.F32, w.extents(), strides, offset, wide.data());
      });
      forms.put(w.name(), new StoredForm.Plain(DType.F32));
      return;
    }
    if (form != null && codes != null) {
      found.put(w.name(), arena -> {
        StridedTensor all = codes.in(arena);
        return new StridedTensor(all.dtype(), w.extents(), strides, all.offset() + offset, all.storage());
      });
    }
    put(w, form);
  }

  /// Tensors that nothing asked for mean that the config describes another model.
  private void unexpected() {
    for (String name : tensors.keySet()) {
      boolean extra = !used.contains(name) && IGNORED.stream().noneMatch(name::endsWith)
          && !(spec.tiedHead() && name.equals(DecoderWeights.HEAD)) && !isNextToken(name);
      if (extra) {
        problems.add(name + " is not part of the model that the config describes");
      }
    }
  }

  /// Whether a tensor belongs to the layers behind the last, which guess further tokens.
  private boolean isNextToken(String name) {
    for (int i = 0; i < spec.nextTokenLayers(); i++) {
      if (name.startsWith(DecoderWeights.prefix(spec.layers().size() + i))) {
        return true;
      }
    }
    return false;
  }
}
