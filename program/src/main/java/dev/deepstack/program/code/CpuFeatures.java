package dev.deepstack.program.code;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;

/// What a CPU can execute, as far as DeepStack cares. Read from the operating system, so that
/// packaged programs can be checked against the machine without a compiler at hand.
///
/// @param name the marketing name of the CPU, for people
/// @param features the features, named as LLVM names them (`avx512f`, `fma`, `avx512vnni`, ...)
public record CpuFeatures(String name, NavigableSet<String> features) {

  /// What `x86-64-v3` means: AVX2 with FMA, BMI and F16C.
  public static final List<String> X86_64_V3 =
      List.of(
          "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sse4.1",
          "sse4.2", "xsave");

  /// What `x86-64-v4` adds to [#X86_64_V3]: the five original parts of AVX-512.
  public static final List<String> X86_64_V4 =
      List.of("avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl");

  /// Later parts of AVX-512 that kernels may use when they are there.
  public static final List<String> AVX512_EXTRAS =
      List.of(
          "avx512bf16",
          "avx512bitalg",
          "avx512fp16",
          "avx512ifma",
          "avx512vbmi",
          "avx512vbmi2",
          "avx512vnni",
          "avx512vpopcntdq");

  // The kernel spells some features differently from LLVM.
  private static final Map<String, String> LLVM_NAMES =
      Map.ofEntries(
          Map.entry("bmi1", "bmi"),
          Map.entry("abm", "lzcnt"),
          Map.entry("sse4_1", "sse4.1"),
          Map.entry("sse4_2", "sse4.2"),
          Map.entry("avx512_bf16", "avx512bf16"),
          Map.entry("avx512_bitalg", "avx512bitalg"),
          Map.entry("avx512_fp16", "avx512fp16"),
          Map.entry("avx512_vbmi2", "avx512vbmi2"),
          Map.entry("avx512_vnni", "avx512vnni"),
          Map.entry("avx512_vpopcntdq", "avx512vpopcntdq"),
          Map.entry("avx_vnni", "avxvnni"));

  public CpuFeatures {
    features = Collections.unmodifiableNavigableSet(new TreeSet<>(features));
  }

  /// The CPU this process runs on. Where the system does not tell (not Linux), a CPU without
  /// known features.
  public static CpuFeatures host() {
    try {
      return parse(Files.readString(Path.of("/proc/cpuinfo")));
    } catch (IOException _) {
      return new CpuFeatures(System.getProperty("os.arch", "unknown"), new TreeSet<>());
    }
  }

  static CpuFeatures parse(String cpuinfo) {
    var name = field(cpuinfo, "model name", "unknown");
    var features = new TreeSet<String>();
    for (String flag : field(cpuinfo, "flags", "").split(" ")) {
      if (!flag.isEmpty()) {
        features.add(LLVM_NAMES.getOrDefault(flag, flag));
      }
    }
    return new CpuFeatures(name, features);
  }

  /// Whether every one of `needed` is there.
  public boolean supports(Iterable<String> needed) {
    return missing(needed).isEmpty();
  }

  /// Those of `needed` that this CPU lacks, in order.
  public List<String> missing(Iterable<String> needed) {
    var missing = new TreeSet<String>();
    needed.forEach(missing::add);
    missing.removeAll(features);
    return List.copyOf(missing);
  }

  public boolean hasAvx2() {
    return supports(X86_64_V3);
  }

  public boolean hasAvx512() {
    return hasAvx2() && supports(X86_64_V4);
  }

  private static String field(String cpuinfo, String key, String otherwise) {
    return Arrays.stream(cpuinfo.split("\n"))
        .filter(line -> line.startsWith(key))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse(otherwise);
  }
}
