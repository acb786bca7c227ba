package dev.deepstack.importer.gguf;

import java.util.Locale;

/// Formats that a model can be stored in anew, and what each tensor becomes: as llama.cpp chooses, so that files of one
/// name have one content.
public enum GgufTarget {
  /// Matrices in Q8_0.
  Q8_0(7, GgufType.Q8_0),
  /// Matrices in Q4_0, the output matrix in Q6_K; keys and values in Q8_0 where there are eight experts.
  Q4_0(2, GgufType.Q4_0),
  /// Routed experts in MXFP4 and other matrices in Q8_0. A model without experts has the matrices of its layers in
  /// MXFP4, where llama.cpp would leave all in Q8_0.
  MXFP4(38, GgufType.MXFP4);

  private final int number;
  private final GgufType type;

  GgufTarget(int number, GgufType type) {
    this.number = number;
    this.type = type;
  }

  /// The number under `general.file_type`.
  int number() {
    return number;
  }

  /// As on the command line.
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// What a tensor is stored as. Norms, biases, routers and all else that is small stay f32.
  ///
  /// @param tied the model has no output matrix of its own
  /// @param experts routed experts of a layer, 0 for none
  GgufType of(GgufContent.Part tensor, boolean tied, int experts) {
    String name = tensor.name();
    if (tensor.shape().length < 2 || !name.endsWith(".weight") || name.endsWith("_norm.weight")
        || name.contains("ffn_gate_inp")) {
      return tensor.stored() == GgufType.F16 || tensor.stored() == GgufType.BF16 || tensor.stored().block() != null
          ? GgufType.F32 : tensor.stored();
    }
    if (tensor.stored() == GgufType.MXFP4) {
      // The model's own format: anything else would be larger and no better.
      return tensor.stored();
    }
    boolean head = name.equals("output.weight") || tied && name.equals("token_embd.weight");
    GgufType wanted = switch (this) {
      case Q8_0 -> GgufType.Q8_0;
      case Q4_0 -> {
        boolean precious = experts == 8 && (name.endsWith("attn_v.weight") || name.endsWith("attn_k.weight"));
        yield head ? GgufType.Q6_K : precious ? GgufType.Q8_0 : type;
      }
      case MXFP4 -> {
        boolean chosen = experts > 0 ? name.endsWith("_exps.weight") : name.startsWith("blk.");
        yield chosen ? type : GgufType.Q8_0;
      }
    };
    return fitting(wanted, tensor.columns());
  }

  /// The wanted type, or the next one whose blocks make up rows of this width.
  private static GgufType fitting(GgufType wanted, long columns) {
    if (columns % wanted.group() == 0) {
      return wanted;
    }
    return columns % GgufType.Q8_0.group() == 0 ? GgufType.Q8_0 : GgufType.F16;
  }
}
