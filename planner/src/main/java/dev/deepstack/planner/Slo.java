package dev.deepstack.planner;

import dev.deepstack.tensor.InvalidInputException;
import java.util.Locale;

/// What users must get, in seconds; infinite where nothing is asked.
public record Slo(double ttft, double tpot) {
  /// Nothing asked.
  public static final Slo NONE = new Slo(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);

  /// Reads `ttft=2s,tpot=50ms`.
  ///
  /// @throws InvalidInputException saying which part is wrong
  public static Slo parse(String text) {
    double ttft = Double.POSITIVE_INFINITY;
    double tpot = Double.POSITIVE_INFINITY;
    for (String part : text.split(",", -1)) {
      int at = part.indexOf('=');
      String key = at < 0 ? "" : part.substring(0, at).strip().toLowerCase(Locale.ROOT);
      switch (key) {
        case "ttft" -> ttft = seconds(part.substring(at + 1).strip());
        case "tpot" -> tpot = seconds(part.substring(at + 1).strip());
        default -> throw new InvalidInputException("the target \"" + part.strip()
            + "\" is neither ttft=TIME nor tpot=TIME, like ttft=2s,tpot=50ms");
      }
    }
    return new Slo(ttft, tpot);
  }

  private static double seconds(String text) {
    String t = text.toLowerCase(Locale.ROOT);
    double unit = t.endsWith("ms") ? 1e-3 : t.endsWith("us") ? 1e-6 : t.endsWith("s") ? 1 : Double.NaN;
    String number = t.replaceAll("(ms|us|s)$", "");
    double value;
    try {
      value = Double.parseDouble(number) * unit;
    } catch (NumberFormatException e) {
      value = Double.NaN;
    }
    if (!(value > 0 && value < 1e6)) {
      throw new InvalidInputException("the time \"" + text + "\" is not a positive number with s, ms or us");
    }
    return value;
  }
}
