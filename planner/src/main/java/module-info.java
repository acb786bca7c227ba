/// What a model costs on which hardware: predictions with evidence and intervals.
module dev.deepstack.planner {
  requires transitive dev.deepstack.tensor;
  requires dev.deepstack.models;
  requires transitive tools.jackson.databind;
  requires static org.jspecify;

  exports dev.deepstack.planner;
  exports dev.deepstack.planner.cost;
  exports dev.deepstack.planner.device;
  exports dev.deepstack.planner.evidence;
  exports dev.deepstack.planner.model;
  exports dev.deepstack.planner.report;
  exports dev.deepstack.planner.serve;
  exports dev.deepstack.planner.train;
}
