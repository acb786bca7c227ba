package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.DeviceCatalog;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// Lists devices.
@Command(name = "devices", mixinStandardHelpOptions = true,
    description = "Lists the devices that plans can be made for, their bins and what sources disagree about.")
final class DevicesCommand implements Callable<Integer> {
  @Parameters(paramLabel = "NAME", arity = "0..1", description = "Only this one, with all that is known.")
  private @Nullable String name;

  @Mixin
  private FurtherDevices devices = new FurtherDevices();

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    PrintWriter out = output.out();
    DeviceCatalog catalog = devices.catalog();
    if (output.isJson()) {
      output.print(name == null ? devices.json() : devices.json().path("devices").path(catalog.get(name).id()));
      return 0;
    }
    if (name != null) {
      one(out, catalog.get(name), true);
      return 0;
    }
    catalog.all().forEach((id, d) -> {
      if (id.equals(d.id())) {
        one(out, d, false);
      } else {
        out.println(id + ": another name of " + d.id());
      }
    });
    return 0;
  }

  private static void one(PrintWriter out, Device d, boolean all) {
    var peaks = new StringBuilder();
    new TreeMap<>(d.peaks()).forEach((k, v) -> peaks.append(String.format(Locale.ROOT, " %s %.0f", k, v / 1e12)));
    out.printf(Locale.ROOT, "%s: %s, %s; %.0f GB at %.2f TB/s, dense TFLOPS%s%n", d.id(), d.vendor(), d.name(),
        d.memory() / 1e9, d.bandwidth() / 1e12, peaks);
    d.bins().forEach((bin, b) -> out.printf(Locale.ROOT, "  bin %s:%s: %.0f GB at %.1f TB/s%n", d.id(), bin,
        b.memory() / 1e9, b.bandwidth() / 1e12));
    if (all) {
      out.printf(Locale.ROOT, "  fast fabric: %d devices, %.0f GB/s one way, %.2f us; beyond it %.0f GB/s%n",
          d.scaleUp(), d.scaleUpRate() / 1e9, d.scaleUpLatency() * 1e6, d.scaleOutRate() / 1e9);
      d.prices().forEach((basis, f) -> out.printf(Locale.ROOT, "  price: %.2f $/h (%s; %s; %s)%n", f.value(), basis,
          f.source(), f.note()));
      d.notes().forEach(n -> out.println("  note: " + n));
    }
    d.conflicts().forEach(c -> out.println("  conflict: " + c));
  }
}
