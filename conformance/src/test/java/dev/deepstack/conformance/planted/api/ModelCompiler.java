package dev.deepstack.conformance.planted.api;

/// A port.
public interface ModelCompiler {}
