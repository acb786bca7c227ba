package dev.deepstack.planner.serve;

import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.cost.Terms;

/// Requests in a closed loop: a fixed number is in flight, and each answer is followed by the next request.
public final class Serving {
  /// Tokens of prompts that an attention group takes into one step.
  public static final double CHUNK = 8192;
  /// Benchmarks send ten rounds; the first starts all at once.
  private static final double BURST = 0.1;
  private static final double RATE_SHARE_MAX = 0.97;
  private static final int ROUNDS = 40;

  private Serving() {}

  /// How prompts are worked off.
  ///
  /// @param alone seconds for one prompt on an idle instance
  /// @param more seconds that each further prompt of the same step adds
  /// @param most prompts that fit a step
  /// @param groups attention groups that decode in step
  private record Prompts(double alone, double more, double most, double groups) {
    static Prompts of(StepModel m, Load load) {
      double alone = prompt(m, load.input(), load.input() - load.computed());
      double dp = m.layout().dp();
      double each = Math.max(1, CHUNK / load.computed());
      double tokens = each * load.computed();
      double past = load.input() - load.computed();
      double full = each <= 1 ? alone : m.prefill(tokens, load.computed(), past).total();
      double most = each * dp;
      // Groups work side by side, so a full step takes little longer than one prompt.
      double more = most <= 1 ? alone : Math.max(0, full - alone) / (most - 1);
      return new Prompts(alone, Math.min(alone, more), most, dp);
    }

    /// Seconds per prompt of full steps.
    double bulk() {
      return (alone + (most - 1) * more) / most;
    }

    /// Seconds per prompt when `rate` of them come per second.
    double service(double rate, double waiting) {
      double together = together(rate, waiting);
      return (alone + (together - 1) * more) / together;
    }

    /// Prompts that are worked off in one step. Groups that decode in step also take their prompts together.
    double together(double rate, double waiting) {
      double free = 1 - more * rate;
      double arrived = free <= 0.02 ? most : Math.min(most, Math.max(groups, (alone - more) * rate / free));
      return Math.max(1, Math.min(arrived, waiting));
    }
  }

  /// Time of a prompt of `length` tokens, `past` of them known, alone on one attention group.
  public static double prompt(StepModel m, double length, double past) {
    double fresh = Math.max(1, length - past);
    int pp = m.layout().pp();
    // A prompt is its mean chunk, times the chunks.
    double chunks = Math.max(1, fresh / CHUNK);
    double time = m.prefill(fresh / chunks, fresh, past).total() * chunks;
    return pp == 1 ? time : time / pp * (1 + (pp - 1) / Math.max(pp, chunks));
  }

  /// Seconds per prompt of an instance that has as many as it can take.
  public static double marginal(StepModel m, Load load) {
    Prompts p = Prompts.of(m, load);
    return p.service(1e9, Double.MAX_VALUE);
  }

  /// One pool of equal instances that prefill and decode.
  public static Served shared(StepModel m, double instances, Load load, Constants constants) {
    double each = load.concurrency() / instances;
    double cap = Math.max(1, m.batchMax(load.context(), CHUNK));
    double queue = constants.get(Constants.Shared.QUEUE);
    double first = m.conditions().served() ? constants.first() : 0;
    Prompts prompts = Prompts.of(m, load);
    double running = Math.min(each, cap);
    double perToken = m.conditions().tokensPerStep();
    double others = each <= 1 ? 0 : (each - 1) / each;
    Terms step = m.decode(running, load.context());
    double tpot = step.total() / perToken;
    double ttft = first + prompts.alone();
    double share = 0;
    for (int i = 0; i < ROUNDS; i++) {
      double rate = each / (ttft + load.output() * tpot);
      double service = prompts.service(rate, each);
      share = Math.min(0.9, rate * service * others);
      double next = Math.min(cap, Math.max(Math.min(each, 1), rate * load.output() * tpot));
      running += 0.5 * (next - running);
      step = m.decode(running, load.context());
      double nextTpot = step.total() / perToken / (1 - share);
      double together = prompts.together(rate, each);
      double wait = share / (1 - share) * service / 2 + step.total() / 2
          + Math.min((together - 1) / (2 * Math.max(rate, 1e-12)), 8 * prompts.alone()) / queue;
      double burst = !load.burst() ? 0 : BURST * (each - 1) * prompts.bulk() / 2;
      double surplus = Math.max(0, (each - cap) / Math.max(rate, 1e-12));
      double nextTtft = first + prompts.alone() + queue * (wait + Math.max(0, burst)) + surplus;
      tpot += 0.5 * (nextTpot - tpot);
      ttft += 0.5 * (nextTtft - ttft);
    }
    double requests = Math.min(load.concurrency() / (ttft + load.output() * tpot),
        instances * running / (load.output() * tpot));
    double late = ttft + 2.3 * (ttft - first - prompts.alone()) + (load.burst() ? BURST * each * prompts.bulk() : 0);
    return new Served(tpot, ttft, late, requests, step, prompts.alone(), running * instances, share);
  }

  /// Pools that prefill and pools that decode.
  public static Served split(StepModel prefill, double prefills, StepModel decode, double decodes, Load load,
      Constants constants) {
    double first = constants.first();
    double queue = constants.get(Constants.Shared.QUEUE);
    Prompts prompts = Prompts.of(prefill, load);
    double cap = Math.max(1, decode.batchMax(load.context(), 0)) * decodes;
    double perToken = decode.conditions().tokensPerStep();
    double transfer = prefill.cacheBytes(load.input()) * prefill.layout().tp() / prefill.model().depth()
        / prefill.device().scaleOutRate();
    double alone = first + prompts.alone() + transfer;
    double running = Math.min(load.concurrency(), cap);
    Terms step = decode.decode(running / decodes, load.context());
    double tpot = step.total() / perToken;
    double ttft = alone;
    double rate = 0;
    double share = 0;
    double capacity = RATE_SHARE_MAX * prefills / prompts.service(1e9, Double.MAX_VALUE);
    for (int i = 0; i < ROUNDS; i++) {
      double free = load.concurrency() / (alone + load.output() * tpot);
      rate = Math.min(Math.min(free, capacity), cap / (load.output() * tpot));
      double service = prompts.service(rate / prefills, load.concurrency());
      share = Math.min(RATE_SHARE_MAX, rate * service / prefills);
      double wait = share / (1 - share) * service / 2;
      double burst = !load.burst() ? 0 : BURST * load.concurrency() * prompts.bulk() / prefills / 2;
      double surplus = Math.max(0, load.concurrency() / rate - load.output() * tpot - alone);
      ttft = alone + Math.max(queue * (Math.min(wait, surplus + prompts.alone()) + burst), surplus);
      double next = Math.clamp(rate * load.output() * tpot, Math.min(1, load.concurrency()), cap);
      running += 0.5 * (next - running);
      step = decode.decode(running / decodes, load.context());
      tpot += 0.5 * (step.total() / perToken - tpot);
    }
    return new Served(tpot, ttft, ttft * 2, rate, step, prompts.alone(), running, share);
  }
}
