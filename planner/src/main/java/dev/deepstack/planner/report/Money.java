package dev.deepstack.planner.report;

import dev.deepstack.planner.Plan;
import dev.deepstack.planner.device.Device;
import java.util.Map;
import java.util.OptionalDouble;

/// What plans cost, all on one basis.
///
/// @param basis the name of the basis, like `rental_3yr`
/// @param own prices that a user gives, by device, in dollars per hour
public record Money(String basis, Map<String, Double> own) {
  /// Share of its power that an idle device takes.
  private static final double IDLE = 0.3;
  /// Host, network and cooling on top of a device's own power, where no sum is published.
  private static final double AROUND = 1.5;

  /// Copies the map.
  public Money {
    own = Map.copyOf(own);
  }

  /// Dollars per hour and device on this basis, if there is a price.
  public OptionalDouble price(Device d) {
    Double given = own.get(d.id());
    if (given != null) {
      return OptionalDouble.of(given);
    }
    Device.Fact fact = d.prices().get(basis);
    return fact == null ? OptionalDouble.empty() : OptionalDouble.of(fact.value());
  }

  /// Where the price comes from.
  public String source(Device d) {
    if (own.containsKey(d.id())) {
      return "given";
    }
    Device.Fact fact = d.prices().get(basis);
    return fact == null ? "no price on this basis" : fact.source() + (fact.note().isEmpty() ? "" : ", " + fact.note());
  }

  /// Dollars per million tokens of answers at a price per device and hour.
  public static double perMillion(double price, int devices, double outputPerSecond) {
    return price * devices / (3.6e-3 * outputPerSecond);
  }

  /// Watts of a device with all that it needs, at a share of use.
  public static double power(Device d, double use) {
    double all = d.powerAll() > 0 ? d.powerAll() : d.powerMax() * AROUND;
    return all * (IDLE + (1 - IDLE) * use);
  }

  /// Joules per token of answers, or NaN where the power is not known.
  public static double joules(Device d, int devices, Plan.Choice c) {
    double busy = Math.min(1, (c.step().total() - c.step().host()) / Math.max(1e-12, c.step().total()));
    double power = power(d, busy);
    return power > 0 ? power * devices / c.output().value() : Double.NaN;
  }

  /// Dollars per hour below which `other` is cheaper per token than a reference at `price`.
  public static double breakEven(double price, double referencePerDevice, double otherPerDevice) {
    return price * otherPerDevice / referencePerDevice;
  }
}
