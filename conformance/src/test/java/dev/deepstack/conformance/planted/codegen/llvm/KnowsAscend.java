package dev.deepstack.conformance.planted.codegen.llvm;

import dev.deepstack.conformance.planted.codegen.ascend.Any;

/// Breaks a law.
public record KnowsAscend(Any other) {}
