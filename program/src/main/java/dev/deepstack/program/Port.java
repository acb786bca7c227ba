package dev.deepstack.program;

import dev.deepstack.tensor.TensorType;

/// A named tensor that enters or leaves a program; its extents may use the program's symbols.
public record Port(String name, TensorType type) {}
