package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Op;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// One token reads the weights of its chosen experts and of no other, in all three forms in which PyTorch exports
/// routed experts. The processor counts: it marks the pages it reads, and the kernel of the system shows the marks.
final class ExpertBytesTest {
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");
  private static final int EXPERTS = 8;
  private static final int CHOSEN = 2;
  private static final int SMALL_PAGES = 15;
  private static final int DONT_DUMP = 16;
  private static final long LARGE = 1L << 20;

  /// Streams look ahead: at the end of each of the four chosen matrices a few pages of what follows are fetched.
  private static final long AHEAD_BYTES_MAX = 4 * 16 * 1024;

  /// Pages read through a translation that the processor had kept.
  private static final long MISSED_BYTES_MAX = 1L << 20;

  @ParameterizedTest
  @CsvSource({"gathered,2", "dense,4", "sorted,2"})
  void oneTokenReadsItsExpertsOnly(String form, int bytesPerWeight) throws IOException {
    assumeTrue(Files.isWritable(CLEAR), "the system does not show which pages were read");
    Graph graph = Pipeline.standard().run(GraphText.parse(Files.readString(
        Checkout.ROOT.resolve("conformance/src/test/resources/experts/" + form + ".ir"))));
    assertThat(graph.ops(Op.RoutedExperts.class)).hasSize(1);

    var counter = new PageCounter();
    var inputs = new LinkedHashMap<String, HostTensor>();
    graph.ops(Op.Input.class).forEach(i -> inputs.put(i.name(), input(i)));
    var weights = new HashMap<String, HostTensor>();
    graph.ops(Op.Weight.class).forEach(w -> weights.put(w.name(), HostTensor.zeros(w.type().dtype(),
        w.type().shape().toLongs())));
    NativeRun.run(graph, CpuTarget.host(), 1, inputs, Map.of(), weights, counter);

    long all = 3L * 1024 * 1024 * EXPERTS * bytesPerWeight;
    assertThat(counter.weightBytes).isBetween(all, all + 128);
    long chosen = all * CHOSEN / EXPERTS;
    // A few marks may be missing all the same; that too many are there cannot happen by chance.
    assertThat(counter.readBytes).isBetween(chosen - MISSED_BYTES_MAX, chosen + AHEAD_BYTES_MAX);
  }

  /// One row; scores that choose experts 1 and 6.
  private static HostTensor input(Op.Input input) {
    long[] shape = input.type().shape().evaluate(Map.of("n", 1L));
    HostTensor tensor = HostTensor.zeros(input.type().dtype(), shape);
    if (input.name().equals("p")) {
      tensor.setDouble(1, 0.5);
      tensor.setDouble(6, 0.25);
    } else if (input.type().dtype() == DType.F32) {
      for (long i = 0; i < tensor.elements(); i++) {
        tensor.setDouble(i, 0.5);
      }
    }
    return tensor;
  }

  /// Clears the marks before the step and adds up the marked pages of the weights' memory after it.
  private static final class PageCounter implements NativeRun.Probe {
    private long weightBytes;
    private long readBytes;

    @Override
    public void reserved(MemorySegment weight) {
      if (weight.byteSize() >= LARGE) {
        advise(weight, SMALL_PAGES);
        advise(weight, DONT_DUMP);
      }
    }

    @Override
    public void before(List<MemorySegment> weights) {
      try {
        Files.writeString(CLEAR, "1");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      forgetTranslations();
    }

    /// A page whose translation the processor still remembers from packing would be read without being marked: walking
    /// over other memory drives those translations out.
    private static void forgetTranslations() {
      byte[] other = new byte[128 << 20];
      for (int i = 0; i < other.length; i += 1024) {
        other[i]++;
      }
    }

    @Override
    public void after(List<MemorySegment> weights) {
      for (MemorySegment weight : weights) {
        if (weight.byteSize() >= LARGE) {
          weightBytes += weight.byteSize();
        }
      }
      readBytes = referenced(weights);
    }

    /// Memory advice of its own makes it an entry of its own in the system's list, which merges neighbours of one kind.
    private static void advise(MemorySegment weight, int advice) {
      var madvise = Linker.nativeLinker().downcallHandle(
          Linker.nativeLinker().defaultLookup().findOrThrow("madvise"), FunctionDescriptor.of(ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
      try {
        int done = (int) madvise.invokeExact(weight.address(), weight.byteSize() & -4096, advice);
        assertThat(done).isZero();
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }

    private static long referenced(List<MemorySegment> weights) {
      long bytes = 0;
      boolean inside = false;
      try {
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
          if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
            String[] range = line.substring(0, line.indexOf(' ')).split("-");
            long from = Long.parseUnsignedLong(range[0], 16);
            long to = Long.parseUnsignedLong(range[1], 16);
            inside = weights.stream().anyMatch(w -> w.byteSize() >= LARGE
                && w.address() <= from && to <= w.address() + w.byteSize());
          } else if (inside && line.startsWith("Referenced:")) {
            bytes += 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return bytes;
    }
  }
}
