import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;

/// Prompt and answer speed of Jlama; one JSON object on the last line, times of all repetitions in it.
///
/// ```
/// java --add-modules jdk.incubator.vector -cp 'LIB/*' JlamaBench.java FOLDER quantize Q4 OUT
/// java --add-modules jdk.incubator.vector -cp 'LIB/*' JlamaBench.java FOLDER bench THREADS PROMPT,PROMPT GEN REPEATS
/// ```
public class JlamaBench {
  private static final Random RANDOM = new Random(1);

  public static void main(String[] args) throws Exception {
    if (args[1].equals("quantize")) {
      SafeTensorSupport.quantizeModel(Path.of(args[0]), DType.valueOf(args[2]), null, null,
          Optional.of(Path.of(args[3])));
      System.exit(0);
    }
    PhysicalCoreExecutor.overrideThreadCount(Integer.parseInt(args[2]));
    long start = System.nanoTime();
    AbstractModel model = ModelSupport.loadModel(new File(args[0]), null, DType.F32, DType.I8, Optional.empty(),
        Optional.empty());
    double load = seconds(start);
    int repeats = Integer.parseInt(args[5]);
    int gen = Integer.parseInt(args[4]);
    int[] lengths = Arrays.stream(args[3].split(",")).filter(s -> !s.isEmpty()).mapToInt(Integer::parseInt).toArray();
    var prefill = Arrays.stream(lengths).mapToObj(n -> "\"" + n + "\":" + prefill(model, n, repeats))
        .collect(Collectors.joining(",", "{", "}"));
    System.out.println("{\"load_s\":" + load + ",\"prefill\":" + prefill + ",\"decode\":"
        + decode(model, gen, gen == 0 ? 0 : repeats) + "}");
    System.exit(0);
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static int[] tokens(AbstractModel model, int count) {
    return RANDOM.ints(count, 3, model.getConfig().vocabularySize).toArray();
  }

  private static String prefill(AbstractModel model, int length, int repeats) {
    double[] speeds = new double[repeats];
    for (int i = 0; i < repeats; i++) {
      int[] prompt = tokens(model, length);
      try (var caches = new KvBufferCache(model)) {
        long start = System.nanoTime();
        model.batchForward(prompt, 0, caches.getEphemeralKvBuffer()).close();
        speeds[i] = length / seconds(start);
      }
    }
    return Arrays.toString(speeds);
  }

  private static String decode(AbstractModel model, int gen, int repeats) {
    double[] speeds = new double[repeats];
    for (int i = 0; i < repeats; i++) {
      try (var caches = new KvBufferCache(model);
          AbstractTensor logits = model.makeDenseTensor(model.getConfig().vocabularySize)) {
        var cache = caches.getEphemeralKvBuffer();
        model.batchForward(tokens(model, 8), 0, cache).close();
        long start = System.nanoTime();
        for (int at = 0; at < gen; at++) {
          AbstractTensor hidden = model.batchForward(tokens(model, 1), 8 + at, cache);
          model.sample(hidden, 0f, 0.5f, logits);
          hidden.close();
        }
        speeds[i] = gen / seconds(start);
      }
    }
    return Arrays.toString(speeds);
  }
}
