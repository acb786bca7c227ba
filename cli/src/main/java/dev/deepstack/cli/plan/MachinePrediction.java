package dev.deepstack.cli.plan;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.importer.gguf.GgufDecoder;
import dev.deepstack.importer.gguf.GgufFile;
import dev.deepstack.importer.hf.HfImporter;
import dev.deepstack.models.DecoderCosts;
import dev.deepstack.planner.cost.Conditions;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.planner.model.SpecShapes;
import dev.deepstack.planner.serve.Serving;
import dev.deepstack.tensor.InvalidInputException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// A prediction in the words of `deepstack bench --json`. Apart from its command, which must load where there is no
/// compile side.
record MachinePrediction(String model, int promptTokens, double prefill, double decode, long bytesPerToken) {

  /// One for each length of prompts.
  ///
  /// @param answer tokens of each answer
  static List<MachinePrediction> of(Path model, Device device, List<Integer> prompts, int answer) {
    try (var arena = Arena.ofConfined()) {
      return of(String.valueOf(model.getFileName()), read(model, arena), device, prompts, answer);
    }
  }

  private static ImportedDecoder read(Path model, Arena arena) {
    if (!Files.exists(model)) {
      throw new InvalidInputException("there is no model " + model);
    }
    return Files.isDirectory(model) ? HfImporter.read(model, arena)
        : GgufDecoder.read(GgufFile.open(model, arena));
  }

  private static List<MachinePrediction> of(
      String name, ImportedDecoder decoder, Device device, List<Integer> prompts, int answer) {
    DecoderCosts costs = DecoderCosts.of(decoder.spec(), decoder::form);
    double bytes = costs.activeWeightBytes() / (double) costs.activeParameters();
    // Blocks of whole numbers are multiplied as such.
    String math = bytes < 1.5 ? "int8" : "bf16";
    var precision = new Precision(name, bytes, bytes, bytes, 2, math, math);
    var step = new StepModel(SpecShapes.of(name, decoder.spec()), device, Layout.ONE, precision,
        Conditions.SERVED, Calibration.standard().constants());
    return prompts.stream().map(p -> new MachinePrediction(name, p, p / Serving.prompt(step, p, 0),
        1 / step.decode(1, p + answer / 2.0).total(), costs.activeWeightBytes())).toList();
  }
}
