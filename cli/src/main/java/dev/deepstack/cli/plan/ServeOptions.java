package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.Plan;
import dev.deepstack.planner.PlanRequest;
import dev.deepstack.planner.Planner;
import dev.deepstack.planner.Slo;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.Fabric;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.planner.report.Claims;
import dev.deepstack.planner.report.HtmlReport;
import dev.deepstack.planner.report.JsonReport;
import dev.deepstack.planner.report.PlanSet;
import dev.deepstack.planner.report.TextReport;
import dev.deepstack.tensor.InvalidInputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine;

/// Options of plans for serving, and what is done with them.
final class ServeOptions {
  @Option(names = "--model", paramLabel = "MODEL", description = "A name (deepstack plan models), a config.json or a "
      + "folder with one.")
  private @Nullable String model;

  @Option(names = "--device", paramLabel = "NAME", split = ",", description = "Devices, NAME:BIN for one of their "
      + "bins (deepstack plan devices).")
  private List<String> devices = List.of();

  @Mixin
  private Subjects subjects = new Subjects();

  @Option(names = "--isl", paramLabel = "TOKENS", defaultValue = "4096", description = "Tokens of a prompt.")
  private int input;

  @Option(names = "--osl", paramLabel = "TOKENS", defaultValue = "512", description = "Tokens of an answer.")
  private int output;

  @Option(names = "--slo", paramLabel = "TARGETS", description = "What users must get: ttft=2s,tpot=50ms.")
  private @Nullable String slo;

  @Option(names = "--concurrency", paramLabel = "N", description = "Requests in flight; default: as many as the "
      + "targets allow.")
  private double concurrency = Double.NaN;

  @Option(names = "--rate", paramLabel = "PER_SECOND", description = "Requests that arrive per second by themselves.")
  private double rate = Double.NaN;

  @Option(names = "--hits", paramLabel = "SHARE", defaultValue = "0", description = "Share of prompts that a cache "
      + "holds.")
  private double hits;

  @Option(names = "--precision", paramLabel = "FORMAT", description = "fp8, nvfp4, w8a8, w4a8, bf16, int4 weights …")
  private @Nullable String precision;

  @Option(names = "--mtp", paramLabel = "N[:SHARE]", description = "Draft up to N tokens, of which SHARE is kept "
      + "(default 0.7).")
  private @Nullable String mtp;

  @Option(names = "--split", description = "Also plan separate pools for prompts and answers.")
  private boolean split;

  @Option(names = "--fabric", paramLabel = "LEVELS", description = "How devices are joined, like \"board:fullmesh 8 @ "
      + "350; pod:switch 16 @ 300 over 2\".")
  private @Nullable String fabric;

  @Option(names = "--stack", paramLabel = "NAME", defaultValue = "sglang", description = "sglang, vllm, trtllm …: "
      + "software whose measurements count most.")
  private String stack = "sglang";

  @Option(names = "--expert-load", paramLabel = "FILE.json", description = "{\"load\": [tokens of each expert]}: place "
      + "experts so that neither a rank nor a link is busier than it must be.")
  private @Nullable Path expertLoad;

  @Option(names = "--spare-experts", paramLabel = "N", defaultValue = "0", description = "Slots for replicas of busy "
      + "experts, with --expert-load.")
  private int spareExperts;

  @Mixin
  private Output answer = new Output();

  @Option(names = "--html", paramLabel = "FILE", description = "Write one page with pictures.")
  private @Nullable Path html;

  Integer run(CommandLine line) {
    if (model == null || devices.isEmpty()) {
      throw new CommandLine.ParameterException(line, "name --model and --device, or one of the commands devices, "
          + "models, train, claim, score, calibrate");
    }
    ModelShape shape = Subjects.model(model);
    var planner = Planner.standard();
    var plans = new ArrayList<Plan>();
    for (Device device : subjects.devices(devices)) {
      for (int count : subjects.counts()) {
        plans.add(planner.plan(request(shape, device, count)));
      }
    }
    var set = new PlanSet(plans, subjects.money(), command(line));
    if (html != null) {
      GivenFiles.write(html, HtmlReport.of(set, Claims.check("", Catalog.standard(), subjects.catalog(),
          Calibration.standard())));
    }
    if (answer.isJson()) {
      answer.print(JsonReport.of(set));
    } else {
      answer.out().print(TextReport.of(set));
    }
    return 0;
  }

  private PlanRequest request(ModelShape shape, Device device, int count) {
    int drafts = 0;
    double accepted = 0.7;
    if (mtp != null) {
      try {
        String[] parts = mtp.split(":", -1);
        drafts = Integer.parseInt(parts[0].strip());
        accepted = parts.length > 1 ? Double.parseDouble(parts[1]) : accepted;
      } catch (NumberFormatException e) {
        throw new InvalidInputException("--mtp " + mtp + " does not read like 3:0.7", e);
      }
    }
    return new PlanRequest(shape, device, count, input, output, hits, concurrency, rate,
        slo == null ? Slo.NONE : Slo.parse(slo), precision == null ? null : Precision.parse(precision), drafts,
        accepted, split, fabric == null ? null : Fabric.parse(fabric), stack,
        expertLoad == null ? null : GivenFiles.expertLoad(expertLoad, spareExperts));
  }

  /// What makes these plans again.
  private static String command(CommandLine line) {
    var words = new StringBuilder("deepstack plan");
    for (String a : line.getParseResult().originalArgs()) {
      if (!a.equals("plan")) {
        words.append(' ').append(a.contains(" ") ? '"' + a + '"' : a);
      }
    }
    return words.toString();
  }
}
