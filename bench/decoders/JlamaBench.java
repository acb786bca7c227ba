import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/// Prompt and answer speed of Jlama 0.8.4 on a checkpoint folder; the last line is one JSON object.
/// Arguments: `FOLDER THREADS PROMPT,PROMPT GEN REPEATS`, or `quantize FOLDER OUT` for its 4-bit copy.
public final class JlamaBench {
  private static final int FIRST_WORD = 300;

  private final AbstractModel model;
  private final Random random = new Random(1);

  private JlamaBench(AbstractModel model) {
    this.model = model;
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("quantize")) {
      SafeTensorSupport.quantizeModel(
          Path.of(arguments[1]), DType.Q4, null, null, Optional.of(Path.of(arguments[2])));
      return;
    }
    PhysicalCoreExecutor.overrideThreadCount(Integer.parseInt(arguments[1]));
    long start = System.nanoTime();
    var bench = new JlamaBench(ModelSupport.loadModel(
        new File(arguments[0]), null, DType.F32, DType.I8, Optional.empty(), Optional.empty()));
    double load = seconds(start);
    int generated = Integer.parseInt(arguments[3]);
    int repeats = Integer.parseInt(arguments[4]);
    List<String> prefill = new ArrayList<>();
    for (int length : Arrays.stream(arguments[2].split(",")).mapToInt(Integer::parseInt).toArray()) {
      List<Double> speeds = new ArrayList<>();
      for (int i = 0; i < repeats; i++) {
        speeds.add(bench.prefill(length));
      }
      prefill.add("\"" + length + "\":" + speeds);
    }
    List<Double> decode = new ArrayList<>();
    for (int i = 0; i < repeats; i++) {
      decode.add(bench.decode(generated));
    }
    System.out.printf(
        "{\"load_s\":%s,\"prefill\":{%s},\"decode\":%s}%n", load, String.join(",", prefill), decode);
    System.exit(0);
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private int[] tokens(int count) {
    return random.ints(count, FIRST_WORD, model.getConfig().vocabularySize).toArray();
  }

  private double prefill(int length) {
    try (var caches = new KvBufferCache(model)) {
      var cache = caches.getEphemeralKvBuffer();
      int[] prompt = tokens(length);
      long start = System.nanoTime();
      model.batchForward(prompt, 0, cache).close();
      return length / seconds(start);
    }
  }

  private double decode(int generated) {
    try (var caches = new KvBufferCache(model);
        AbstractTensor logits = model.makeDenseTensor(model.getConfig().vocabularySize)) {
      var cache = caches.getEphemeralKvBuffer();
      model.batchForward(tokens(4), 0, cache).close();
      long start = System.nanoTime();
      for (int i = 0; i < generated; i++) {
        try (AbstractTensor hidden = model.batchForward(tokens(1), 4 + i, cache)) {
          model.sample(hidden, 0f, 0.5f, logits);
        }
      }
      return generated / seconds(start);
    }
  }
}
