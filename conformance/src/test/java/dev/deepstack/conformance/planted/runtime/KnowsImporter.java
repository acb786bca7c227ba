package dev.deepstack.conformance.planted.runtime;

import dev.deepstack.conformance.planted.importer.Any;
import java.util.function.LongSupplier;

/// Breaks two laws.
public final class KnowsImporter {
  final LongSupplier clock = System::nanoTime;

  Any read(Any file) {
    return file;
  }
}
