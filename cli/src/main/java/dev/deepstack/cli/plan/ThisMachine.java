package dev.deepstack.cli.plan;

import dev.deepstack.cli.bench.ReadBandwidth;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.planner.device.Device;
import dev.deepstack.runtime.memory.MachineMemory;
import java.util.List;
import java.util.Map;

/// The machine that this runs on as a device: its memory's speed is measured, its arithmetic follows from its cores.
final class ThisMachine {
  static final String NAME = "this";
  /// Two fused multiply-adds of eight numbers per cycle at 3.5 GHz, which most cores of today reach.
  private static final double FLOPS_PER_CORE = 32 * 3.5e9;

  /// Products of bytes do four times as much as those of floats, less what unpacking takes.
  private static final double BYTE_PRODUCTS = 2.6;

  private ThisMachine() {}

  static Device device() {
    return device(ReadBandwidth.remembered(Runtime.getRuntime().availableProcessors()));
  }

  /// @param bandwidth bytes per second that memory can be read at
  static Device device(double bandwidth) {
    int cores = Runtime.getRuntime().availableProcessors();
    double fma = cores * FLOPS_PER_CORE;
    double bytes = CpuTarget.host().has("avx512vnni") ? BYTE_PRODUCTS : 1;
    return new Device(NAME, "this machine", cores + " processors, memory measured", 1, MachineMemory.available(),
        bandwidth, Map.of("bf16", fma, "int8", bytes * fma), 1, 1, 1e-7, 1, 1e-7, false, true, null, 0, 0, Map.of(),
        Map.of(), List.of(), List.of("Measured by deepstack itself, for models that it runs."), Device.MEASURED);
  }
}
