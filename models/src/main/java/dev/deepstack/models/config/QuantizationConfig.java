package dev.deepstack.models.config;

import dev.deepstack.models.DecoderSpec.Storage;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import java.util.List;

/// How the weights are stored, from `dtype` and `quantization_config`. A quantization that cannot be computed with is
/// described as far as its size is known, and named as missing.
final class QuantizationConfig {
  private final Storage storage;
  private final List<String> missing;

  QuantizationConfig(ConfigNode c) {
    var plain = new StoredForm.Plain(dtype(c));
    ConfigNode q = c.object("quantization_config");
    StoredForm linear = plain;
    StoredForm experts = plain;
    List<String> lacking = List.of();
    if (q != null) {
      String method = q.text("quant_method", "unnamed");
      List<Integer> tile = q.numbers("weight_block_size");
      if (method.equals("fp8") && tile.size() == 2 && tile.getFirst() > 0 && tile.getLast() > 0) {
        linear = new StoredForm.Tiles(DType.F8E4M3, DType.F32, tile.getFirst(), tile.getLast());
        experts = linear;
      } else if (method.equals("mxfp4")) {
        experts = new StoredForm.Blocks(BlockFormat.MXFP4);
      } else {
        String name = method.equals("fp8") ? "fp8 without weight_block_size" : method;
        linear = new StoredForm.Counted(name, bits(q, method));
        experts = linear;
        lacking = List.of("quantization \"" + name + "\"");
      }
    }
    storage = new Storage(linear, experts, plain, plain);
    missing = lacking;
  }

  private static double bits(ConfigNode q, String method) {
    return q.real("bits", q.flag("load_in_4bit", false) ? 4.5 : method.equals("fp8") ? 8 : 4.5);
  }

  private static DType dtype(ConfigNode c) {
    return switch (c.text(c.firstOf("dtype", "torch_dtype"), "bfloat16")) {
      case "float16" -> DType.F16;
      case "float32" -> DType.F32;
      default -> DType.BF16;
    };
  }

  Storage storage() {
    return storage;
  }

  List<String> missing() {
    return missing;
  }
}
