package dev.deepstack.planner.report;

import dev.deepstack.planner.Resources;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.train.TrainingPlan;
import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/// What evidence says to claims in the news.
public final class Claims {
  private Claims() {}

  /// A claim with its verdict: supported, contradicted, unverified.
  ///
  /// @param computed what the planner adds from its own numbers
  public record Claim(String id, String claim, String verdict, List<String> evidence, List<String> computed,
      String change) {
    /// Copies the lists.
    public Claim {
      evidence = List.copyOf(evidence);
      computed = List.copyOf(computed);
    }
  }

  /// All claims, or the one of that id.
  ///
  /// @throws InvalidInputException naming the claims there are
  public static List<Claim> check(String id, Catalog models, DeviceCatalog devices, Calibration calibration) {
    var list = new ArrayList<Claim>();
    var ids = new ArrayList<String>();
    for (JsonNode c : Resources.json("claims.json").path("claims")) {
      ids.add(c.path("id").asString(""));
      if (id.isEmpty() || ids.getLast().equals(id)) {
        var evidence = new ArrayList<String>();
        c.path("evidence").forEach(e -> evidence.add(e.asString("")));
        list.add(new Claim(ids.getLast(), c.path("claim").asString(""), c.path("verdict").asString(""), evidence,
            c.has("break_even") ? breakEven(c.path("break_even"), models, devices, calibration) : List.of(),
            c.path("change").asString("")));
      }
    }
    if (list.isEmpty()) {
      throw new InvalidInputException("there is no claim " + id + "; there are " + String.join(", ", ids));
    }
    return list;
  }

  private static List<String> breakEven(JsonNode b, Catalog models, DeviceCatalog devices, Calibration calibration) {
    Device device = devices.get(b.path("device").asString(""));
    double advantage = b.path("advantage").doubleValue();
    int count = b.path("count").asInt(1024);
    TrainingPlan own = plan(b, device, models, calibration, count);
    var lines = new ArrayList<String>();
    lines.add(String.format(Locale.ROOT, "Predicted for %s on %d x %s: %.0f tokens/s each, 80 %% interval %.0f "
        + "to %.0f; an extrapolation, since nobody has published a run.", own.model().name(), count, device.id(),
        own.tokens(), own.tokensLow(), own.tokensHigh()));
    for (JsonNode r : b.path("references")) {
      Device reference = devices.get(r.path("device").asString(""));
      Device.Fact price = reference.prices().get(r.path("basis").asString(""));
      if (price != null) {
        TrainingPlan other = plan(b, reference, models, calibration, count);
        double equal = Money.breakEven(price.value(), other.tokens(), own.tokens());
        lines.add(String.format(Locale.ROOT, "Against %s at %.2f $/h (%s, %s), %.0f tokens/s each: the claim needs at "
            + "most %.2f $/h (%.2f to %.2f), parity %.2f $/h.", reference.id(), price.value(),
            r.path("basis").asString(""), price.note().isEmpty() ? price.source() : price.note(), other.tokens(),
            equal / advantage, equal / advantage * own.tokensLow() / own.tokens(),
            equal / advantage * own.tokensHigh() / own.tokens(), equal));
      }
    }
    return lines;
  }

  private static TrainingPlan plan(JsonNode b, Device d, Catalog models, Calibration calibration, int count) {
    return TrainingPlan.best(models.get(b.path("model").asString("")), d, count, b.path("length").asInt(4096),
        b.path("batch").asInt(8192), d.has("fp8") ? "fp8" : "bf16", calibration);
  }
}
