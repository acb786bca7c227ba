package dev.deepstack.cli;

import dev.deepstack.cli.output.Output;
import dev.deepstack.hub.Hub;
import dev.deepstack.hub.Pull;
import dev.deepstack.hub.Repository;
import dev.deepstack.hub.Retry;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Fetches a model.
@Command(name = "pull", mixinStandardHelpOptions = true,
    description = {"Fetches a model's files from a hub, checks them and puts them into a folder.",
        "A pull that broke off is continued where it was."},
    footer = {"", "Environment: DEEPSTACK_HUB_URL or HF_ENDPOINT (where the hub is), HF_TOKEN or MODELSCOPE_API_TOKEN",
        "(for models that not everybody may read; sent to the hub and to nobody else)."})
final class PullCommand implements Callable<Integer> {
  @Parameters(paramLabel = "OWNER/NAME", description = "The model, as in its address on the hub.")
  private String model = "";

  @Option(names = "--file", paramLabel = "NAME",
      description = {"A file to fetch, also with * and ?; may be given several times.",
          "Without it: what is needed to run the model."})
  private List<String> files = new ArrayList<>();

  @Option(names = {"-o", "--output"}, paramLabel = "FOLDER", description = "Where to put them (default: NAME).")
  private @Nullable Path place;

  @Option(names = "--hub", paramLabel = "KIND",
      description = "The hub's interface: huggingface (default) or modelscope.")
  private Hub.@Nullable Kind kind;

  @Option(names = "--url", paramLabel = "URL", description = "Where the hub is.")
  private @Nullable String url;

  @Option(names = "--revision", paramLabel = "REV", description = "A branch, tag or commit.")
  private @Nullable String revision;

  @Option(names = "--connections", paramLabel = "N", defaultValue = "4",
      description = "How many ranges of a file to ask for at once (default ${DEFAULT-VALUE}).")
  private int connections;

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() throws InterruptedException {
    PrintWriter out = output.out();
    Hub hub = Hub.of(kind, url, System.getenv());
    Repository repository = Repository.parse(model, Objects.requireNonNullElse(revision, hub.kind().revision()));
    Path folder = place != null ? place : Path.of(repository.name());
    long start = System.nanoTime();
    var progress = new PullProgress(output.err(), CommonOptions.isWatched());
    List<Pull.Placed> placed = new Pull(hub, Retry.standard(), connections).run(repository, files, folder, progress);
    long bytes = placed.stream().mapToLong(Pull.Placed::bytes).sum();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (output.isJson()) {
      var report = new LinkedHashMap<String, Object>();
      report.put("model", repository.toString());
      report.put("revision", repository.revision());
      report.put("hub", hub.toString());
      report.put("folder", folder.toString());
      report.put("files", placed);
      report.put("bytes", bytes);
      report.put("seconds", seconds);
      output.print(report);
    } else {
      long fetched = placed.stream().filter(Pull.Placed::fetched).count();
      String how = fetched == 0 ? "all there before"
          : fetched < placed.size() ? fetched + " of them fetched" : "fetched";
      out.printf(Locale.ROOT, "%s: %d files, %.1f MB, %s, in %.1f s%n", folder, placed.size(),
          bytes / 1e6, how, seconds);
      placed.stream().filter(p -> p.checked() == null).forEach(p -> output.err().println(
          "deepstack: the hub names no checksum of " + p.path() + ", so only its length was checked."));
    }
    return 0;
  }
}
