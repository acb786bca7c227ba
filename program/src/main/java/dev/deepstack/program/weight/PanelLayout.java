package dev.deepstack.program.weight;

/// A weight matrix in the form kernels read it: panels of as many output rows as the CPU's vectors have lanes, each
/// panel one stream of bytes.
public sealed interface PanelLayout permits Packing, BlockPacking {
  long panels();

  long panelBytes();

  /// Bytes of the packed matrix.
  default long bytes() {
    return panels() * panelBytes();
  }
}
