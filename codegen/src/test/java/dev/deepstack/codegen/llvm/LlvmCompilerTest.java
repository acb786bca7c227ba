package dev.deepstack.codegen.llvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

class LlvmCompilerTest {
  @Test
  void showsTheLinesThatDoNotParse() {
    assertThatThrownBy(
            () ->
                Compiled.compiler()
                    .compile(
                        "define void @f() {\n  %x = add i64 1, %y\n  ret void\n}\n",
                        CpuTarget.avx2()))
        .isInstanceOf(IllegalIrException.class)
        .hasMessageContaining("undefined value '%y'")
        .hasMessageContaining("> 2:   %x = add i64 1, %y");
  }

  @Test
  void showsTheLinesThatDoNotVerify() {
    var ir =
        """
        define i64 @f(i64 %a, i1 %c) {
        entry:
          br i1 %c, label %b, label %d
        b:
          %x = add i64 1, %a
          br label %d
        d:
          ret i64 %x
        }
        """;
    assertThatThrownBy(() -> Compiled.compiler().compile(ir, CpuTarget.avx2()))
        .isInstanceOf(IllegalIrException.class)
        .hasMessageContaining("does not dominate")
        .hasMessageContaining("> 5:   %x = add i64 1, %a");
  }

  @Test
  void theLibraryIsTheVersionTheCodeIsWrittenFor() {
    assertThat(Compiled.compiler().version()).isEqualTo(LlvmCompiler.VERSION);
  }

  @Test
  void usesTheVectorsOfTheTarget() {
    for (var cpu : List.of(CpuTarget.avx2(), CpuTarget.avx512())) {
      var module = new ModuleText(cpu);
      var f = module.function("f", "void", "ptr x");
      f.store(f.sqrt(f.load(Fn.vector("float", cpu.lanes()), "%x")), "%x");
      f.end();
      var register = cpu.vectorBits() == 512 ? "%zmm" : "%ymm";
      assertThat(Compiled.compiler().assembly(module.text(), cpu))
          .contains("vsqrtps")
          .contains(register);
    }
  }

  @Test
  void loopsCarryValuesAndBranchesNest() {
    var module = new ModuleText(CpuTarget.avx2());
    var f = module.function("f", "void", "i64 n", "ptr out");
    var calls = f.variable("i64", "0");
    var sums =
        f.loop(
            "0",
            "%n",
            3,
            List.of("i64 100", "i64 0"),
            (i, carried) -> {
              f.when(
                  f.icmp("eq", f.mod(i, 2), "0"),
                  () -> f.store(f.add(f.load("i64", calls), 1), calls));
              return List.of(f.add(carried.get(0), i), i);
            });
    f.store(sums.get(0), "%out");
    f.store(sums.get(1), f.at("%out", "i64", 1));
    f.store(f.load("i64", calls), f.at("%out", "i64", 2));
    f.end();
    try (var code = Compiled.of(module);
        var arena = Arena.ofConfined()) {
      var out = arena.allocate(24, 8);
      code.call("f", 10L, out);
      assertThat(out.toArray(ValueLayout.JAVA_LONG)).containsExactly(118, 9, 2);
      code.call("f", 0L, out);
      assertThat(out.toArray(ValueLayout.JAVA_LONG)).containsExactly(100, 0, 0);
    }
  }

  @Test
  void bf16RoundsToNearestEvenAndKeepsNanAndSubnormals() {
    var module = new ModuleText(CpuTarget.host());
    var f = module.function("round", "void", "ptr x", "ptr y", "i64 n");
    f.loop(
        "0",
        "%n",
        8,
        i -> {
          var bits = Formats.f32ToBf16(f, f.load("<8 x float>", f.at("%x", "float", i)));
          f.store(Formats.bf16ToF32(f, bits), f.at("%y", "float", i));
        });
    f.end();
    int[] in = {
      0x3f800000,
      0x3f808000,
      0x3f818000,
      0x3f808001,
      0x7f800001,
      0x00000001,
      0x00018000,
      0xff800000,
      0x7f7fffff,
      0x80000000,
      0x3f80ffff,
      0xffffffff,
      0x00008000,
      0x00008001,
      0x7f800000,
      0x3f7fffff
    };
    int[] wanted = {
      0x3f800000,
      0x3f800000,
      0x3f820000,
      0x3f810000,
      0x7fc00000,
      0,
      0x00020000,
      0xff800000,
      0x7f800000,
      0x80000000,
      0x3f810000,
      0xffff0000,
      0,
      0x00010000,
      0x7f800000,
      0x3f800000
    };
    try (var code = Compiled.of(module);
        var arena = Arena.ofConfined()) {
      var x = arena.allocateFrom(ValueLayout.JAVA_INT, in);
      var y = arena.allocate(4L * in.length, 4);
      code.call("round", x, y, (long) in.length);
      assertThat(y.toArray(ValueLayout.JAVA_INT)).containsExactly(wanted);
    }
  }
}
