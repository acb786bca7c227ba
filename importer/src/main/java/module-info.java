/// Exported PyTorch programs (`.pt2`) to graph IR and weights; GGUF files.
module dev.deepstack.importer {
  requires transitive dev.deepstack.tensor;
  requires transitive dev.deepstack.ir;
  requires transitive dev.deepstack.models;
  requires tools.jackson.core;
  requires tools.jackson.databind;
  requires static org.jspecify;

  exports dev.deepstack.importer;
  exports dev.deepstack.importer.gguf;
  exports dev.deepstack.importer.hf;
  exports dev.deepstack.importer.pt2;
}
