package dev.deepstack.cli;

import dev.deepstack.api.GenerationOptions;
import dev.deepstack.runtime.sample.SamplingOptions;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/// Options of every command that chooses tokens.
final class SamplingMixin {
  @Option(names = {"-t", "--temperature"}, paramLabel = "T", defaultValue = "0.8",
      description = "Spread of the choice; 0 always takes the likeliest token (default ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(names = "--top-k", paramLabel = "K", defaultValue = "40",
      description = "Choose among the K likeliest tokens; 0 for all (default ${DEFAULT-VALUE}).")
  private int topK;

  @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
      description = "Choose among the likeliest tokens that together have probability P (default ${DEFAULT-VALUE}).")
  private double topP;

  @Option(names = "--min-p", paramLabel = "P", defaultValue = "0",
      description = "Choose among tokens at least P times as likely as the likeliest; 0 is off.")
  private double minP;

  @Option(names = "--repetition-penalty", paramLabel = "R", defaultValue = "1",
      description = "Make tokens that occurred before less likely; 1 is off.")
  private double repetitionPenalty;

  @Option(names = "--seed", paramLabel = "S", description = "The same seed gives the same text.")
  private Long seed = System.nanoTime();

  @Option(names = "--stop", paramLabel = "TEXT",
      description = "End the answer before this text; may be given several times.")
  private List<String> stops = new ArrayList<>();

  GenerationOptions options(int maxTokens) {
    return new GenerationOptions(maxTokens,
        new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, seed)).withStops(stops);
  }
}
