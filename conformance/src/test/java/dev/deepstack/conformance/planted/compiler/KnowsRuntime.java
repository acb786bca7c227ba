package dev.deepstack.conformance.planted.compiler;

import dev.deepstack.conformance.planted.runtime.KnowsImporter;

/// Breaks a law.
public record KnowsRuntime(KnowsImporter runtime) {}
