package dev.deepstack.importer.hf;

/// What a family's files call the weights whose names in the graph are those of Llama and DeepSeek.
final class FileNames {
  private final String family;

  FileNames(String family) {
    this.family = family;
  }

  String of(String name) {
    return switch (family) {
      case "mixtral" -> name.contains(".mlp.experts.") ? mixtralExpert(name)
          : name.replace(".mlp.gate.", ".block_sparse_moe.gate.");
      case "gpt_oss" -> name.replace(".mlp.gate.", ".mlp.router.");
      case "qwen2_moe" -> name.replace(".mlp.shared_experts.", ".mlp.shared_expert.");
      default -> name;
    };
  }

  private static String mixtralExpert(String name) {
    return name.replace(".mlp.experts.", ".block_sparse_moe.experts.").replace(".gate_proj.", ".w1.")
        .replace(".down_proj.", ".w2.").replace(".up_proj.", ".w3.");
  }

  /// The stem of a layer's experts when a file keeps them in one tensor: `model.layers.0.mlp.experts.`.
  static String stack(String name) {
    return name.substring(0, name.indexOf("experts.") + "experts.".length());
  }
}
