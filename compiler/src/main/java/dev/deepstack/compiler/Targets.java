package dev.deepstack.compiler;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.program.code.CpuFeatures;
import dev.deepstack.tensor.InvalidInputException;

/// The CPUs that code can be asked for.
public final class Targets {
  private Targets() {}

  /// @throws InvalidInputException for an unknown name, or one this machine could not run
  public static CpuTarget find(String cpu) {
    return switch (cpu) {
      case "native" -> CpuTarget.host();
      case "avx2" -> CpuTarget.avx2();
      case "avx512" -> {
        if (!CpuFeatures.host().hasAvx512()) {
          throw new InvalidInputException("this CPU has no AVX-512; use --cpu native or --cpu avx2");
        }
        yield CpuTarget.avx512();
      }
      default -> throw new InvalidInputException("unknown CPU \"" + cpu + "\"; choose native, avx2 or avx512");
    };
  }
}
