package dev.deepstack.codegen.llvm;

import dev.deepstack.program.code.CpuFeatures;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The CPU that code is generated for.
///
/// @param name LLVM's name of the instruction set level, `x86-64-v4`
/// @param features LLVM's feature string on top of it, `+avx512bf16,+avx512vnni`
/// @param vectorBits the width of vectors in generated code: 256 or 512
public record CpuTarget(String name, String features, int vectorBits) {

  /// The best code for the CPU this process runs on.
  ///
  /// @throws UnsupportedModelException if it lacks AVX2
  public static CpuTarget host() {
    var host = CpuFeatures.host();
    if (host.hasAvx512()) {
      return avx512();
    }
    if (host.hasAvx2()) {
      return avx2();
    }
    throw new UnsupportedModelException(
        "DeepStack needs a CPU with AVX2; "
            + host.name()
            + " lacks "
            + String.join(", ", host.missing(CpuFeatures.X86_64_V3))
            + ".");
  }

  /// 256-bit code for any CPU of the `x86-64-v3` level.
  public static CpuTarget avx2() {
    return new CpuTarget("x86-64-v3", "", 256);
  }

  /// 512-bit code for the `x86-64-v4` level, with those later extensions that this machine has.
  public static CpuTarget avx512() {
    var host = CpuFeatures.host().features();
    var extras = CpuFeatures.AVX512_EXTRAS.stream().filter(host::contains).map(f -> "+" + f);
    return new CpuTarget("x86-64-v4", extras.collect(Collectors.joining(",")), 512);
  }

  /// Whether code for this target may use an extension, as LLVM names it: `avx512vnni`.
  public boolean has(String feature) {
    return List.of(features.split(",")).contains("+" + feature);
  }

  /// How many f32 values a vector holds: 8 or 16. Also the height of a packed panel of weights.
  public int lanes() {
    return vectorBits / 32;
  }

  /// The features a CPU must have to run code for this target, as [CpuFeatures] names them.
  public List<String> needed() {
    var base =
        vectorBits == 512
            ? Stream.concat(CpuFeatures.X86_64_V3.stream(), CpuFeatures.X86_64_V4.stream())
            : CpuFeatures.X86_64_V3.stream();
    var extras =
        Stream.of(features.split(",")).filter(f -> f.startsWith("+")).map(f -> f.substring(1));
    return Stream.concat(base, extras).toList();
  }
}
