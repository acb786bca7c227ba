/// Graph to graph: the rewrites, and the pipeline that states their order.
module dev.deepstack.passes {
  exports dev.deepstack.passes;

  requires transitive dev.deepstack.tensor;
  requires transitive dev.deepstack.ir;
  requires static org.jspecify;
}
