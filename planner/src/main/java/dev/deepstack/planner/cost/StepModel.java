package dev.deepstack.planner.cost;

import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.Placement;
import dev.deepstack.planner.model.Attention;
import dev.deepstack.planner.model.Feed;
import dev.deepstack.planner.model.Layer;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.model.Precision;
import org.jspecify.annotations.Nullable;

/// Time of one step of one instance: every operator is bound by arithmetic or by memory, starts late, and waits for
/// the exchange.
public final class StepModel {
  private static final double FABRIC_SHARE = 0.7;
  private static final double ATTENTION_COMPUTE = 0.62;
  private static final double CACHE_SHARE = 0.80;
  private static final double HOST_SHARE = 0.40;
  /// What this compiler's code reaches of a measured bandwidth and of its cores, and a kernel's start without any
  /// dispatch.
  private static final double OWN_SHARE = 0.74;
  private static final double OWN_COMPUTE = 0.85;
  private static final double OWN_LAUNCH = 2e-7;
  private static final double HALF = 50;
  /// Spread of the logarithm of how often experts are chosen.
  private static final double LIKED = 1;
  private static final double EAGER = 8;
  private static final double YOUNG = 1.25;
  private static final double SHARE_MAX = 0.97;
  private static final double OVERLAP_LEFT = 0.25;

  private final ModelShape model;
  private final Device device;
  private final Layout layout;
  private final Precision precision;
  private final Conditions conditions;
  private final Constants constants;
  private final @Nullable Placement placement;
  private final double bandwidth;
  private final double compute;
  private final double launch;
  private final double sync;
  private final double gather;
  private final double half;
  private final double served;
  private final double attentionPeak;
  private final double projectionPeak;
  private final double densePeak;
  private final double expertPeak;

  /// @param device one rank
  public StepModel(ModelShape model, Device device, Layout layout, Precision precision, Conditions conditions,
      Constants constants) {
    this(model, device, layout, precision, conditions, constants, null);
  }

  private StepModel(ModelShape model, Device device, Layout layout, Precision precision, Conditions conditions,
      Constants constants, @Nullable Placement placement) {
    this.constants = constants;
    this.placement = placement;
    this.model = model;
    this.device = device;
    this.layout = layout;
    boolean routed = model.layers().stream().anyMatch(l -> l.feed().routed());
    this.precision = routed ? precision : precision.uniform();
    this.conditions = conditions;
    boolean measured = device.confidence().equals(Device.MEASURED);
    this.bandwidth = device.bandwidth() * (measured ? OWN_SHARE
        : device.host() ? HOST_SHARE / (conditions.young() ? 2 : 1)
        : constants.get(Constants.Shared.MEMORY));
    double young = conditions.young() ? YOUNG : 1;
    this.compute = measured ? OWN_COMPUTE : Math.min(SHARE_MAX, constants.get(Constants.Shared.COMPUTE)
        / constants.compute(device.id()) / Math.sqrt(young)) * (device.host() ? hostShare(conditions) : 1);
    this.launch = measured ? OWN_LAUNCH
        : constants.get(Constants.Shared.LAUNCH) * constants.launch(device.id()) * young;
    this.sync = device.host() ? 2e-6
        : constants.get(Constants.Shared.SYNC) * Math.sqrt(constants.launch(device.id())) * young;
    this.gather = device.bandwidth() * constants.get(Constants.Shared.GATHER);
    this.half = device.host() ? 3 : HALF;
    this.attentionPeak = device.peak("bf16");
    this.projectionPeak = device.peak(this.precision.attentionMath());
    this.densePeak = device.peak(this.precision.denseMath());
    this.expertPeak = device.peak(this.precision.expertMath());
    this.served = measured ? 0 : constants.get(Constants.Shared.SERVED);
  }

  /// Share of a host's matrix peak that its instructions and its software reach.
  private static double hostShare(Conditions c) {
    return !c.hostVector() ? 0.22 : c.young() ? 0.012 : 0.05;
  }

  /// The same with experts where `placement` puts them, which then says how uneven ranks and links are.
  public StepModel placed(Placement placement) {
    return new StepModel(model, device, layout, precision, conditions, constants, placement);
  }

  /// The shape this model prices.
  public ModelShape model() {
    return model;
  }

  /// How it is spread.
  public Layout layout() {
    return layout;
  }

  /// What surrounds it.
  public Conditions conditions() {
    return conditions;
  }

  /// A decoding step of `batch` requests of the instance with a context of `context` tokens.
  public Terms decode(double batch, double context) {
    if (!conditions.overlap()) {
      return decode(batch, context, false);
    }
    // Two halves one after the other, each exchange behind the other half's arithmetic.
    Terms halves = decode(batch / 2, context, true).times(2);
    Terms whole = decode(batch, context, false);
    return halves.total() < whole.total() ? halves : whole;
  }

  private Terms decode(double batch, double context, boolean overlap) {
    double perStage = batch / layout.pp();
    double requests = Math.max(perStage / layout.dp(), Math.min(1, batch));
    double queries = 1 + conditions.drafts();
    Terms sum = steps(requests, queries, context, perStage * queries, overlap);
    if (conditions.drafts() > 0) {
      Layer last = model.layers().getLast();
      Terms one = layer(last, requests, 1, context, perStage, false).plus(head(requests));
      sum = sum.plus(one.times(conditions.drafts()));
    }
    double host = (conditions.served() ? served + 10e-6 * requests : served * 0.3) * (overlap ? 0.5 : 1);
    return sum.plus(new Terms(0, 0, 0, 0, 0, 0, 0, 0, host));
  }

  private Terms steps(double requests, double queries, double context, double tokens, boolean overlap) {
    Terms sum = head(requests * queries);
    for (Layer l : model.layers()) {
      sum = sum.plus(layer(l, requests, queries, context, tokens, overlap).times(l.count()));
    }
    return sum;
  }

  /// A chunk of a prompt: `tokens` on every attention group after `past` tokens, as prompts of `length` tokens.
  public Terms prefill(double tokens, double length, double past) {
    if (!conditions.overlap()) {
      return prefill(tokens, length, past, false);
    }
    Terms halves = prefill(tokens / 2, Math.min(length, tokens / 2), past, true).times(2);
    Terms whole = prefill(tokens, length, past, false);
    // Attention is counted for the whole prompts, not for halves of them.
    Terms fair = new Terms(halves.attentionWeights(), whole.attention(), halves.gather(), halves.experts(),
        halves.dense(), halves.exchange(), halves.launch(), halves.activations(), halves.host());
    return fair.total() < whole.total() ? fair : whole;
  }

  private Terms prefill(double tokens, double length, double past, boolean overlap) {
    double all = tokens * layout.dp();
    Terms sum = head(Math.max(1, tokens / length));
    for (Layer l : model.layers()) {
      Attention a = l.attention();
      double flops = tokens / length * a.prefillFlops(length, past) / layout.tp();
      double peak = attentionPeak * Math.min(SHARE_MAX, compute * 1.4);
      Terms core = new Terms(0, flops / peak, 0, 0, 0, 0, 0, 0, 0);
      sum = sum.plus(common(l, tokens, all, overlap, core, true).times(l.count()));
    }
    // Prompts have no fixed shape, so their kernels start one by one, ahead of the device where it is busy.
    double device = sum.total() - sum.launch();
    double exposed = norm(device, EAGER * sum.launch()) - device;
    return new Terms(sum.attentionWeights(), sum.attention(), sum.gather(), sum.experts(), sum.dense(),
        sum.exchange(), exposed, sum.activations(), sum.host());
  }

  private Terms layer(Layer l, double requests, double queries, double context, double tokens, boolean overlap) {
    Attention a = l.attention();
    double share = Math.min(layout.tp(), a.cacheHeads());
    double read = requests * a.read(context) * precision.cacheBytes() / share / (device.bandwidth() * CACHE_SHARE);
    double math = requests * queries * a.decodeFlops(context) / layout.tp()
        / (attentionPeak * ATTENTION_COMPUTE);
    double rows = requests * Math.min(queries, 2) * a.gathered(context) * precision.cacheBytes() / gather;
    return common(l, requests * queries, tokens, overlap, new Terms(0, norm(read, math), rows, 0, 0, 0, 0, 0, 0),
        false);
  }

  /// What a layer needs beside its attention on the cache.
  ///
  /// @param own tokens of one attention group
  /// @param all tokens of the instance
  private Terms common(Layer l, double own, double all, boolean overlap, Terms core, boolean prefill) {
    int hidden = model.hidden();
    Attention a = l.attention();
    Feed f = l.feed();
    double weights = a.weights() / layout.tp();
    double projections = product(own, weights, precision.attentionBytes(), projectionPeak);
    double dense = f.dense() == 0 && !f.routed() ? 0
        : product(own, f.denseWeights(hidden) / layout.tp(), precision.denseBytes(), densePeak);
    double experts = f.routed() ? experts(f, all, prefill) : 0;
    double streams = own * hidden * 2.0 * (12 + (l.streams() > 1 ? 8.0 * l.streams() : 0)) / bandwidth;
    if (f.routed()) {
      double spread = all * f.active() / (layout.ep() * layout.moeTp());
      streams += spread * (3.0 * f.width() + 3.0 * f.inner() / layout.moeTp()) * 2.0 / bandwidth;
    }
    double kernels = 2 + a.kernels() + (f.routed() ? 8 : f.dense() > 0 ? 3 : 0) + (f.routed() && f.dense() > 0 ? 3 : 0)
        + (l.streams() > 1 ? 8 : 0);
    double wire = exchange(f, own, prefill);
    boolean shortcut = f.zeroExperts() > 0;
    if (shortcut) {
      // The experts of a shortcut run beside the dense part.
      kernels -= 6;
    }
    double busy = projections + dense + experts + streams + core.total() + kernels * launch;
    double exposed = overlap || shortcut ? Math.max(OVERLAP_LEFT * wire, wire - (1 - OVERLAP_LEFT) * busy) : wire;
    return core.plus(new Terms(projections, 0, 0, experts, dense, exposed, kernels * launch, streams, 0));
  }

  private Terms head(double tokens) {
    double share = Math.min(layout.stage(), 16);
    double t = product(tokens * layout.dp() / Math.min(layout.dp(), share), (double) model.hidden() * model.vocab()
        / share, 2, attentionPeak);
    return new Terms(0, 0, 0, 0, t + 3 * launch, 0, 0, 0, 0);
  }

  private double experts(Feed f, double all, boolean prefill) {
    double everywhere = f.touched(all, LIKED);
    double touched = everywhere / layout.ep();
    double most = (double) f.experts() / layout.ep();
    if (!conditions.balanced() && layout.ep() > 1) {
      touched = Math.min(most, touched + Math.sqrt(2 * touched * Math.log(layout.ep())) * 0.5);
    }
    touched = Math.max(touched, Math.min(1, all * f.active() / layout.ep()));
    double weights = f.expertWeights() / layout.moeTp();
    double load = all * f.active() / layout.ep() * imbalance(prefill);
    double perExpert = Math.max(1, all * f.active() / Math.max(1, everywhere));
    double math = 2 * load * weights / rate(expertPeak, perExpert);
    Device card = device.card();
    if (card != null || conditions.hostBandwidth() > 0) {
      double host = conditions.hostBandwidth() > 0 ? conditions.hostBandwidth() * 0.92 : bandwidth;
      return norm(touched * weights * precision.expertBytes() / host, math);
    }
    return norm(touched * weights * precision.expertBytes() / bandwidth, math);
  }

  private double imbalance(boolean prefill) {
    if (placement != null) {
      return placement.worstRank();
    }
    if (conditions.balanced() || layout.ep() == 1) {
      return 1;
    }
    return 1 + (prefill ? 0.18 : 0.25) * Math.min(1.5, Math.log(layout.ep()) / Math.log(32));
  }

  private double product(double tokens, double weights, double bytes, double peak) {
    Device card = device.card();
    if (card != null) {
      return norm(weights * bytes / (card.bandwidth() * 0.8), 2 * tokens * weights / (card.peak("bf16") * 0.4));
    }
    return norm(weights * bytes / bandwidth, 2 * tokens * weights / rate(peak, tokens));
  }

  private double rate(double peak, double tokens) {
    return peak * compute * tokens / (tokens + half * Math.sqrt(peak / 1e15));
  }

  private double exchange(Feed f, double own, boolean prefill) {
    double h = model.hidden();
    double time = 0;
    if (layout.tp() > 1) {
      time += reduce(layout.tp(), own * h * 2);
    }
    int ranks = layout.ep() * layout.moeTp();
    if (ranks == 1) {
      return time;
    }
    if (!f.routed() || layout.dp() == 1) {
      return time + (layout.tp() > 1 ? reduce(layout.tp(), own * h * 2) : 0);
    }
    if (layout.ep() == 1) {
      return time + 2 * sync + own * layout.dp() * h * 3 / (rate(ranks) * FABRIC_SHARE);
    }
    double copies = distinct(f.active(), layout.ep()) * (placement == null ? 1 : placement.worstRank());
    double mine = own / layout.tp();
    double inside = Math.min(1.0, device.scaleUp() / (double) ranks);
    double wire;
    if (ranks <= device.scaleUp()) {
      wire = mine * copies * f.width() * 3.0 / (device.scaleUpRate() * FABRIC_SHARE);
    } else {
      double nodes = Math.ceil(ranks / (double) device.scaleUp());
      double far = prefill ? Math.min(4, distinct(f.active(), nodes)) * (1 - 1 / nodes)
          : distinct(f.active(), layout.ep()) * (1 - inside);
      far *= placement == null ? 1 : placement.worstLink();
      wire = mine * f.width() * 3.0 * Math.max(far / (device.scaleOutRate() * 0.85),
          copies / (device.scaleUpRate() * FABRIC_SHARE));
    }
    return time + wire + 2 * (sync + hop(ranks));
  }

  private double rate(int ranks) {
    return ranks <= device.scaleUp() ? device.scaleUpRate() : device.scaleOutRate();
  }

  private double hop(int ranks) {
    return ranks <= device.scaleUp() ? device.scaleUpLatency() * 2 : device.scaleOutLatency() * 3;
  }

  /// All-reduce: one shot for small data, ring for large; across nodes the slower tier counts.
  private double reduce(int ranks, double bytes) {
    double ring = 2 * bytes * (ranks - 1) / ranks;
    if (ranks <= device.scaleUp()) {
      return sync + hop(ranks) + ring / (device.scaleUpRate() * FABRIC_SHARE);
    }
    double inner = device.scaleUp() > 1 ? ring / (device.scaleUpRate() * FABRIC_SHARE) : 0;
    return 2 * sync + device.scaleOutLatency() * 16 + inner
        + ring / device.scaleUp() / (device.scaleOutRate() * FABRIC_SHARE);
  }

  /// Ranks that `k` choices among `n` reach on average.
  public static double distinct(double k, double n) {
    return n <= 1 ? 1 : n * -Math.expm1(k * Math.log1p(-1 / n));
  }

  private static double norm(double a, double b) {
    double most = Math.max(a, b);
    if (most == 0) {
      return 0;
    }
    double r = Math.min(a, b) / most;
    return most * Math.cbrt(1 + r * r * r);
  }

  /// The device of a rank.
  public Device device() {
    return device;
  }

  /// How numbers are stored.
  public Precision precision() {
    return precision;
  }

  /// Bytes of weights on a rank.
  public double weightBytes() {
    double sum = 2.0 * (model.tiedHead() ? 1 : 2) * model.hidden() * model.vocab() / layout.stage();
    for (Layer l : model.layers()) {
      double slots = l.feed().routed() && placement != null ? placement.slots() : l.feed().experts();
      double experts = slots * l.feed().expertWeights() / (layout.ep() * layout.moeTp());
      double dense = l.feed().denseWeights(model.hidden()) / layout.tp();
      sum += l.count() * (l.attention().weights() / layout.tp() * precision.attentionBytes()
          + dense * precision.denseBytes() + experts * precision.expertBytes()) / layout.pp();
    }
    return sum;
  }

  /// Bytes of cache on a rank for one request of `context` tokens.
  public double cacheBytes(double context) {
    double sum = 0;
    for (Layer l : model.layers()) {
      Attention a = l.attention();
      sum += l.count() * a.cached(context) * precision.cacheBytes() / Math.min(layout.tp(), a.cacheHeads())
          / layout.pp();
    }
    return sum;
  }

  /// Bytes that one chunk of `tokens` per attention group keeps besides: activations and exchange buffers.
  public double workBytes(double tokens) {
    @Nullable Layer widest = null;
    for (Layer l : model.layers()) {
      if (l.feed().routed()) {
        widest = l;
      }
    }
    double buffers = widest == null ? 0 : tokens * widest.feed().active() * model.hidden() * 2.0;
    return tokens * model.hidden() * 2.0 * 6 + buffers;
  }

  /// Requests that fit the memory of the whole instance, or 0 where the weights do not.
  public double batchMax(double context, double chunk) {
    double free = device.memory() * 0.94 - weightBytes() - workBytes(chunk);
    return free <= 0 ? 0 : free / Math.max(1, cacheBytes(context)) * layout.dp();
  }
}
