package dev.deepstack.planner;

import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.model.Attention;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.tensor.InvalidInputException;
import java.util.Locale;

/// Which number formats go with which devices.
final class Precisions {
  private Precisions() {}

  /// What suits a model on a device: the format that it is published in, or the nearest that the device multiplies.
  static Precision suited(ModelShape model, Device device) {
    boolean four = model.layers().stream().anyMatch(l -> l.attention() instanceof Attention.Compressed)
        || model.name().contains("gpt-oss");
    if (device.confidence().equals(Device.MEASURED)) {
      return Precision.parse("BF16");
    }
    if (device.host()) {
      return Precision.parse(device.has("int8") ? "INT8" : "Q8");
    }
    if (four && device.has("fp4")) {
      return Precision.parse(device.vendor().equals("Huawei") ? "moe MXFP4, other weights MXFP8" : "FP4");
    }
    if (four && device.has("fp8")) {
      return Precision.parse("FP4 experts, FP8 KV");
    }
    return Precision.parse(device.has("fp8") ? "FP8" : device.has("int8") ? "W8A8" : "BF16");
  }

  /// Refuses what a device cannot multiply.
  ///
  /// @throws InvalidInputException naming the nearest format that it can
  static void check(Device device, Precision precision) {
    String math = precision.denseMath();
    String text = precision.text().toLowerCase(Locale.ROOT);
    if (!device.host() && math.equals("fp8") && !device.has("fp8")) {
      throw new InvalidInputException("the device " + device.id() + " does not multiply FP8; the nearest format is "
          + (device.has("int8") ? "W8A8 (--precision w8a8)" : "BF16 (--precision bf16)"));
    }
    if (!device.host() && text.contains("nvfp4") && !device.has("fp4")) {
      throw new InvalidInputException("the device " + device.id() + " does not multiply FP4; the nearest format is "
          + (device.has("fp8") ? "FP8 (--precision fp8)" : device.has("int8") ? "W8A8 (--precision w8a8)"
          : "BF16 (--precision bf16)"));
    }
    if (!device.host() && math.equals("int8") && !device.has("int8") && device.has("fp8")) {
      throw new InvalidInputException("the device " + device.id() + " has no INT8 peak that is published; the nearest "
          + "format is FP8 (--precision fp8)");
    }
  }
}
