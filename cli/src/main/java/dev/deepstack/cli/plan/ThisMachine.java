package dev.deepstack.cli.plan;

import dev.deepstack.cli.bench.ReadBandwidth;
import dev.deepstack.planner.device.Device;
import dev.deepstack.runtime.memory.MachineMemory;
import java.util.List;
import java.util.Map;

/// The machine that this runs on as a device: its memory's speed is measured, its arithmetic follows from its cores.
final class ThisMachine {
  static final String NAME = "this";
  /// Two fused multiply-adds of eight numbers per cycle at 3.5 GHz, which most cores of today reach.
  private static final double FLOPS_PER_CORE = 32 * 3.5e9;

  private ThisMachine() {}

  static Device device() {
    int cores = Runtime.getRuntime().availableProcessors();
    return new Device(NAME, "this machine", cores + " processors, memory measured", 1, MachineMemory.available(),
        ReadBandwidth.remembered(cores), Map.of("bf16", cores * FLOPS_PER_CORE), 1, 1, 1e-7, 1, 1e-7, false, true, null,
        0, 0, Map.of(), Map.of(), List.of(), List.of("Measured by deepstack itself, for models that it runs."),
        Device.MEASURED);
  }
}
