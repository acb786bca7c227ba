package dev.deepstack.planner.device;

import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How devices are joined: nested levels, the innermost first. The whole has as many devices as the product of the
/// levels' sizes.
public record Fabric(List<Level> levels) {
  /// How the members of a level are joined.
  public enum Kind {
    /// A direct link between any two.
    FULLMESH,
    /// A port into a switch that never blocks.
    SWITCH,
    /// A ring along each axis, in both directions.
    TORUS,
    /// A tree of switches that carries less than all ports together.
    FATTREE,
    /// Through the memory of a host.
    HOST
  }

  /// A level.
  ///
  /// @param rate bytes per second of a device into this level, one way, all its links together
  /// @param latency seconds for a hop
  /// @param over how many times more the ports carry than the level as a whole; 1 for a level that never blocks
  /// @param failed links that do not work, on the device that has most of them
  public record Level(String name, Kind kind, int size, double rate, double latency, double over, int failed) {
    /// Links of a device into this level.
    public int links() {
      return switch (kind) {
        case FULLMESH -> size - 1;
        case TORUS -> Math.min(2, size - 1);
        case SWITCH, FATTREE, HOST -> size > 1 ? 1 : 0;
      };
    }

    /// Share of the rate that is left when links have failed.
    private double alive() {
      int links = links();
      return links == 0 ? 1 : Math.max(1e-3, (links - failed) / (double) links);
    }
  }

  private static final Pattern LEVEL = Pattern.compile(
      "\\s*(\\w+)\\s*:\\s*(\\w+)\\s+(\\d+)\\s*@\\s*([\\d.]+)(?:\\s+lat\\s+([\\d.]+))?(?:\\s+over\\s+([\\d.]+))?"
          + "(?:\\s+failed\\s+(\\d+))?\\s*");
  private static final double LATENCY = 1e-6;

  /// Copies the list.
  public Fabric {
    levels = List.copyOf(levels);
  }

  /// Reads `name:kind size @ GB/s [lat us] [over factor] [failed links]; …`, the innermost level first.
  ///
  /// @throws InvalidInputException saying which level is wrong
  public static Fabric parse(String text) {
    var levels = new ArrayList<Level>();
    for (String part : text.split(";", -1)) {
      if (part.isBlank()) {
        continue;
      }
      Matcher m = LEVEL.matcher(part);
      if (!m.matches()) {
        throw new InvalidInputException("the fabric's level \"" + part.strip()
            + "\" does not read like \"board:fullmesh 8 @ 350\"");
      }
      Kind kind;
      try {
        kind = Kind.valueOf(m.group(2).toUpperCase(Locale.ROOT));
      } catch (IllegalArgumentException e) {
        throw new InvalidInputException("a fabric's level is fullmesh, switch, torus, fattree or host, not "
            + m.group(2), e);
      }
      double size = Double.parseDouble(m.group(3));
      double rate = Double.parseDouble(m.group(4)) * 1e9;
      double over = m.group(6) == null ? 1 : Double.parseDouble(m.group(6));
      if (size < 1 || size > 1 << 20 || !(rate > 0) || over < 1) {
        throw new InvalidInputException("the fabric's level \"" + part.strip()
            + "\" needs a size from 1 on, a positive rate and an oversubscription from 1 on");
      }
      levels.add(new Level(m.group(1), kind, (int) size, rate,
          m.group(5) == null ? LATENCY : Double.parseDouble(m.group(5)) * 1e-6, over,
          m.group(7) == null ? 0 : Integer.parseInt(m.group(7))));
    }
    if (levels.isEmpty()) {
      throw new InvalidInputException("a fabric has at least one level, like \"node:switch 8 @ 450\"");
    }
    return new Fabric(levels);
  }

  /// The fabric that a device comes with, for `ranks` of them.
  public static Fabric of(Device d, int ranks) {
    var levels = new ArrayList<Level>();
    int inner = Math.min(ranks, d.scaleUp());
    levels.add(new Level("fast", d.mesh() ? Kind.FULLMESH : Kind.SWITCH, Math.max(1, inner),
        Math.max(1, d.scaleUpRate()), d.scaleUpLatency(), 1, 0));
    int outer = (ranks + inner - 1) / Math.max(1, inner);
    if (outer > 1) {
      levels.add(new Level("network", Kind.FATTREE, outer, d.scaleOutRate(), d.scaleOutLatency(), 1, 0));
    }
    return new Fabric(levels);
  }

  /// Devices in all.
  public int size() {
    return levels.stream().mapToInt(Level::size).reduce(1, Math::multiplyExact);
  }

  /// The part that the first `ranks` devices span.
  public Fabric within(int ranks) {
    var part = new ArrayList<Level>();
    int left = ranks;
    for (Level l : levels) {
      int size = Math.min(l.size(), left);
      part.add(new Level(l.name(), l.kind(), size, l.rate(), l.latency(), l.over(), l.failed()));
      left = (left + l.size() - 1) / l.size();
    }
    return new Fabric(part);
  }

  /// Bytes that the busiest link of each level carries when every device sends `bytes` in equal parts to all.
  public List<Double> loads(double bytes) {
    var loads = new ArrayList<Double>();
    for (Level l : levels) {
      double n = l.size();
      loads.add(n <= 1 ? 0.0 : switch (l.kind()) {
        case FULLMESH -> bytes / n;
        case TORUS -> n == 2 ? bytes / 2 : bytes * n / 8;
        case SWITCH, HOST -> bytes * (n - 1) / n;
        case FATTREE -> bytes * (n - 1) / n * l.over();
      });
    }
    return loads;
  }

  /// Seconds of a uniform exchange in which every device sends `bytes` in all.
  public double exchange(double bytes) {
    double time = 0;
    double latency = 0;
    List<Double> loads = loads(bytes);
    for (int i = 0; i < levels.size(); i++) {
      Level l = levels.get(i);
      if (l.size() > 1) {
        time = Math.max(time, loads.get(i) / (l.rate() / l.links() * l.alive()));
        latency += l.latency() * (l.kind() == Kind.TORUS ? Math.max(1, l.size() / 4) : 1);
      }
    }
    return time + latency;
  }

  /// Seconds of an all-reduce of `bytes` on every device: scattered and gathered level by level, the innermost first.
  public double reduce(double bytes) {
    double time = 0;
    double left = bytes;
    for (Level l : levels) {
      if (l.size() > 1) {
        time += 2 * (left * (l.size() - 1) / l.size() / (l.rate() * l.alive() / l.over()) + l.latency());
        left /= l.size();
      }
    }
    return time;
  }

  /// A device whose links are those of this fabric, for groups of `ranks`.
  public Device on(Device d, int ranks) {
    Fabric part = within(Math.max(2, ranks));
    double bytes = 1e9;
    double latency = part.exchange(0);
    double rate = bytes / Math.max(1e-12, part.exchange(bytes) - latency);
    return d.withLinks(Math.max(size(), ranks), rate, latency, rate);
  }
}
