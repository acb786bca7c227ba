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
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options that say what is planned on what.
final class Subjects {
  @Option(names = "--model", paramLabel = "MODEL", required = true,
      description = "A name, a config.json or a folder with one.")
  private String model = "";

  @Option(names = "--device", paramLabel = "NAME", split = ",", required = true,
      description = "Devices, NAME:BIN for one of their bins; see deepstack plan devices.")
  private List<String> names = List.of();

  @Option(names = "--count", paramLabel = "N", split = ",", defaultValue = "8", description = "Numbers of devices.")
  private List<Integer> counts = List.of(8);

  @Option(names = "--devices", paramLabel = "FILE.json", description = "Further devices.")
  private @Nullable Path devices;

  @Option(names = "--price-basis", paramLabel = "BASIS", defaultValue = "rental_3yr",
      description = "own_hyperscaler, own_neocloud, rental_3yr (default), contract_1yr …; the same for all devices.")
  private String basis = "rental_3yr";

  @Option(names = "--price", paramLabel = "NAME=USD", split = ",", description = "Prices per device and hour of your "
      + "own.")
  private List<String> prices = List.of();

  Subjects() {}

  /// The same from options that another command names.
  Subjects(String model, List<String> names, List<Integer> counts, @Nullable Path devices, String basis,
      List<String> prices) {
    this.model = model;
    this.names = names;
    this.counts = counts;
    this.devices = devices;
    this.basis = basis;
    this.prices = prices;
  }

  List<Integer> counts() {
    return counts;
  }

  ModelShape model() {
    Path path = Path.of(model);
    Path file = Files.isDirectory(path) ? path.resolve("config.json") : path;
    if (Files.isRegularFile(file)) {
      Path folder = file.toAbsolutePath().getParent();
      String name = folder == null || !file.endsWith("config.json") ? file.toString()
          : String.valueOf(folder.getFileName());
      return ConfigReader.read(name, JsonFiles.read(file));
    }
    return Catalog.standard().get(model);
  }

  List<Device> devices() {
    DeviceCatalog catalog = catalog();
    return names.stream().map(String::strip)
        .map(n -> n.equals(ThisMachine.NAME) ? ThisMachine.device() : catalog.get(n)).toList();
  }

  DeviceCatalog catalog() {
    DeviceCatalog catalog = DeviceCatalog.standard();
    return devices == null ? catalog : catalog.with(JsonFiles.read(devices), devices.toString());
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
