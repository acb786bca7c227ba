package dev.deepstack.conformance.planted.ir;

import dev.deepstack.conformance.planted.passes.Any;
import java.lang.foreign.Arena;

/// Breaks two laws.
public final class KnowsPasses {
  Arena forever(Any pass) {
    return pass == null ? Arena.global() : Arena.ofAuto();
  }
}
