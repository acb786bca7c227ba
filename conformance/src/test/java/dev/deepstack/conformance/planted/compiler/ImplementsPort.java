package dev.deepstack.conformance.planted.compiler;

import dev.deepstack.conformance.planted.api.ModelCompiler;

/// Breaks nothing.
public final class ImplementsPort implements ModelCompiler {}
