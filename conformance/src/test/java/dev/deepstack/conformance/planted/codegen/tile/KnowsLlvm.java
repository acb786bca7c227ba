package dev.deepstack.conformance.planted.codegen.tile;

import dev.deepstack.conformance.planted.codegen.llvm.KnowsAscend;

/// Breaks a law.
public record KnowsLlvm(KnowsAscend target) {}
