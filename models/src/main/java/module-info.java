/// Decoders described as data, read from config.json, and their graphs.
module dev.deepstack.models {
  requires transitive dev.deepstack.tensor;
  requires transitive dev.deepstack.ir;
  requires tools.jackson.databind;
  requires static org.jspecify;

  exports dev.deepstack.models;
  exports dev.deepstack.models.config;
  exports dev.deepstack.models.graph;
}
