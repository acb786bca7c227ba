package dev.deepstack.cli.verify;

import dev.deepstack.cli.verify.Recording.Step;
import dev.deepstack.importer.ImportedModel;
import dev.deepstack.importer.ImportedModel.Entry;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Feeds recorded calls to an engine and compares what it gives.
public final class Replay {
  /// What came of one call.
  ///
  /// @param error largest absolute difference of any result
  /// @param failures a sentence for each result or state outside the tolerance
  public record StepReport(int session, int step, double error, List<String> failures) implements Report {
    @Override
    public Map<String, Object> json() {
      return Map.of("session", session, "step", step, "largest_error", error, "failures", failures);
    }

    @Override
    public String toString() {
      String head = String.format(Locale.ROOT, "session %d step %d: largest error %.3g", session, step,
          error);
      return passed() ? head : head + "\n  " + String.join("\n  ", failures);
    }
  }

  private final ImportedModel model;
  private final Recording recording;

  public Replay(ImportedModel model, Recording recording) {
    this.model = model;
    this.recording = recording;
  }

  /// Runs every session from the stored states.
  public List<StepReport> run(Engine engine) {
    var reports = new ArrayList<StepReport>();
    for (int session = 0; session < recording.sessions().size(); session++) {
      engine.reset();
      List<Step> steps = recording.sessions().get(session);
      for (int step = 0; step < steps.size(); step++) {
        var outputs = engine.step(inputs(steps.get(step)));
        reports.add(compare(session, step, steps.get(step), outputs));
      }
    }
    return reports;
  }

  private Map<String, HostTensor> inputs(Step step) {
    if (step.inputs().size() != model.inputs().size()) {
      throw new InvalidInputException("the recording has " + step.inputs().size() + " inputs and the model "
          + model.inputs().size() + "; they do not belong together");
    }
    var inputs = new LinkedHashMap<String, HostTensor>();
    for (int i = 0; i < step.inputs().size(); i++) {
      HostTensor tensor = step.inputs().get(i);
      if (tensor != null) {
        inputs.put(model.inputs().get(i).name(), tensor);
      }
    }
    return inputs;
  }

  private StepReport compare(int session, int number, Step step, Engine.Outputs outputs) {
    var failures = new ArrayList<String>();
    double error = 0;
    int tensors = 0;
    int integers = 0;
    for (Entry entry : model.outputs()) {
      switch (entry) {
        case ImportedModel.TensorEntry(String name) -> {
          error = Math.max(error, check("result \"" + name + "\"", outputs.results().get(name),
              step.outputs().get(tensors++), failures));
        }
        case ImportedModel.IntegerEntry(String name) -> {
          HostTensor actual = outputs.results().get(name);
          long expected = step.integers().get(integers++);
          if (actual == null || actual.getLong(0) != expected) {
            failures.add("result \"" + name + "\" is not " + expected);
          }
        }
        case ImportedModel.FixedEntry _ -> {}
      }
    }
    for (Map.Entry<String, HostTensor> state : step.states().entrySet()) {
      String name = model.names().getOrDefault(state.getKey(), state.getKey());
      HostTensor actual = outputs.states().get(name);
      error = Math.max(error, check("state \"" + state.getKey() + "\"", actual, state.getValue(), failures));
    }
    return new StepReport(session, number, error, failures);
  }

  private double check(String what, @org.jspecify.annotations.Nullable HostTensor actual, HostTensor expected,
      List<String> failures) {
    if (actual == null) {
      failures.add(what + " is missing");
      return Double.POSITIVE_INFINITY;
    }
    Difference difference = Difference.between(actual, expected, recording.atol(), recording.rtol());
    if (difference.excess() > 1) {
      failures.add(what + ": " + difference.text());
    }
    return difference.error();
  }
}
