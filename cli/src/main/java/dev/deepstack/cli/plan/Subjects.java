package dev.deepstack.cli.plan;

import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.ConfigReader;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.report.Money;
import dev.deepstack.tensor.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Options that say what plans are made for, besides model and device: those are required by some commands, and what a
/// command requires picocli asks for in the commands below it too.
final class Subjects {
  @Option(names = "--count", paramLabel = "N", split = ",", defaultValue = "8", description = "Numbers of devices.")
  private List<Integer> counts = List.of(8);

  @Mixin
  private FurtherDevices devices = new FurtherDevices();

  @Option(names = "--price-basis", paramLabel = "BASIS", defaultValue = "rental_3yr",
      description = "own_hyperscaler, own_neocloud, rental_3yr (default), contract_1yr …; the same for all devices.")
  private String basis = "rental_3yr";

  @Option(names = "--price", paramLabel = "NAME=USD", split = ",", description = "Prices per device and hour of your "
      + "own.")
  private List<String> prices = List.of();

  List<Integer> counts() {
    return counts;
  }

  static ModelShape model(String model) {
    Path path = Path.of(model);
    Path file = Files.isDirectory(path) ? path.resolve("config.json") : path;
    if (Files.isRegularFile(file)) {
      Path folder = file.toAbsolutePath().getParent();
      String name = folder == null || !file.endsWith("config.json") ? file.toString()
          : String.valueOf(folder.getFileName());
      return ConfigReader.read(name, GivenFiles.json(file));
    }
    return Catalog.standard().get(model);
  }

  List<Device> devices(List<String> names) {
    DeviceCatalog catalog = catalog();
    return names.stream().map(String::strip)
        .map(n -> n.equals(ThisMachine.NAME) ? ThisMachine.device() : catalog.get(n)).toList();
  }

  DeviceCatalog catalog() {
    return devices.catalog();
  }

  Money money() {
    var own = new HashMap<String, Double>();
    for (String p : prices) {
      int at = p.indexOf('=');
      double value;
      try {
        value = at < 0 ? Double.NaN : Double.parseDouble(p.substring(at + 1));
      } catch (NumberFormatException e) {
        value = Double.NaN;
      }
      if (!(value > 0 && value < 1e6)) {
        throw new InvalidInputException("the price \"" + p + "\" does not read like h200-sxm=2.30");
      }
      own.put(catalog().get(p.substring(0, at)).id(), value);
    }
    return new Money(basis, own);
  }
}
