/// The graph: op records, values, text form that prints and parses, verifier.
module dev.deepstack.ir {
  exports dev.deepstack.ir;

  requires transitive dev.deepstack.tensor;
  requires static org.jspecify;
}
