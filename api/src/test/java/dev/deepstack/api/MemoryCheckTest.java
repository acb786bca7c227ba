package dev.deepstack.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Decoding;
import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.runtime.PackedCopy;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// A model of 64 MiB of packed weights and 16 KiB of caches for each token.
final class MemoryCheckTest {
  private static final long MIB = 1L << 20;
  private static final long PROCESS = 100 * MIB;
  private static final DecoderOptions ASKED = DecoderOptions.standard().withContext(32_768);

  private static Port port(String name, DType dtype, Dim... dims) {
    return new Port(name, new TensorType(dtype, Shape.of(dims)));
  }

  private static CompiledModel model() {
    Dim tokens = Dim.symbol("T");
    var inputs = List.of(port("tokens", DType.I64, tokens), port("positions", DType.I64, tokens),
        port("sequences", DType.I64, tokens), port("slots", DType.I64, tokens),
        port("pages", DType.I64, Dim.symbol("B"), Dim.symbol("N")), port("select", DType.I64, Dim.symbol("R")));
    var recipe = new WeightRecipe(WeightRecipe.Layout.PANELS, DType.F32, 1, 4096, 4096,
        List.of(new WeightRecipe.Piece("w", 0, 4096, 0, 4096, 1)));
    var program = new Program(inputs,
        List.of(port("cache", DType.F32, Dim.symbol(Decoding.SLOTS), Dim.of(4096))),
        List.of(port("logits", DType.F32, Dim.symbol("R"), Dim.of(1024))), new LinkedHashMap<>(), List.of(),
        List.of(List.of(tokens.times(Dim.of(2048)))),
        new LinkedHashMap<>(), List.of(), List.of(recipe), List.of(), Dim.ZERO, new byte[0], List.of(),
        "any", 16);
    var decoding = new Decoding(16, 1 << 20, 1024, -1, List.of(), null, Map.of(), 0, 0);
    return new CompiledModel(List.of(program), name -> {
      throw new AssertionError("no weight is read");
    }, new LinkedHashMap<>(), 0, null, decoding, () -> {});
  }

  private static MemoryCheck check(DecoderOptions options, long available) {
    CompiledModel model = model();
    return new MemoryCheck(model, java.util.Objects.requireNonNull(model.decoding()), options, 2, available, PROCESS);
  }

  private static void refused(DecoderOptions options, long available, String advice) {
    assertThatThrownBy(() -> check(options, available).sentence(null)).isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("not enough memory: ").hasMessageEndingWith(advice)
        .hasMessageNotContaining("\n");
  }

  @Test
  void countsEverythingOnce() {
    var need = check(ASKED, Long.MAX_VALUE).need();
    assertThat(need.packed()).isEqualTo(64 * MIB);
    assertThat(need.caches()).isEqualTo(512 * MIB);
    // 512 tokens in a step: the arena, six inputs, one row of logits.
    assertThat(need.activations()).isBetween(512 * 2048L, 512 * 2048L + 64 * 1024);
    assertThat(need.process()).isEqualTo(PROCESS);
    assertThat(need.total() - need.missing()).isEqualTo(PROCESS);
  }

  @Test
  void saysWhatBecomesOfPackedCopies() {
    var place = new PackedCopy.Place(Path.of("/nowhere/m.panels"), "m", _ -> {}, () -> 0);
    assertThat(check(ASKED, 1L << 40).sentence(place)).contains(
        "packed copies 68 MB kept on disk as /nowhere/m.panels for the next start", "caches for 32768 tokens 537 MB");
    var unpacked = new DecoderOptions(32_768, 1, "f32", false, false);
    assertThat(check(unpacked, 1L << 40).sentence(null)).contains("packed copies 68 MB made anew at each start");
  }

  @Test
  void whatTheProcessHasIsNotAskedForAgain() {
    long missing = check(ASKED, Long.MAX_VALUE).need().missing();
    assertThat(check(ASKED, missing).sentence(null)).endsWith(" there.");
    assertThatThrownBy(() -> check(ASKED, missing - 1).sentence(null)).isInstanceOf(InvalidInputException.class);
  }

  @Test
  void namesEveryOptionThatWouldFit() {
    refused(ASKED, 400 * MIB, "; --kv-type q8 or --context 19888 would fit");
    refused(ASKED.withContext(1 << 20), 400 * MIB, "; --context 19856 would fit");
    refused(new DecoderOptions(32_768, 1, "q8", false, true), 400 * MIB, "; --context 19888 would fit");
    refused(ASKED.withContext(8192).withSequences(4), 400 * MIB,
        "; --kv-type q8 or --context 4960 or 2 sequences at a time would fit");
    refused(ASKED, 80 * MIB, "; close other programs, or take a smaller model or a smaller storage format");
  }

  @Test
  void whatIsAdvisedFits() {
    assertThat(check(ASKED.withContext(19_888), 400 * MIB).sentence(null)).endsWith(" there.");
    assertThat(check(ASKED.withContext(8192).withSequences(2), 400 * MIB).sentence(null)).endsWith(" there.");
  }
}
