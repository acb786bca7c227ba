package dev.deepstack.cli.verify;

import java.util.List;
import java.util.Map;

/// What one comparison with a recording gave.
public interface Report {
  /// Largest absolute difference of any result.
  double error();

  /// A sentence for each result outside the tolerance.
  List<String> failures();

  /// What `--json` shows.
  Map<String, Object> json();

  default boolean passed() {
    return failures().isEmpty();
  }
}
