/// The command line; the only place that wires everything.
module dev.deepstack.cli {
  requires dev.deepstack.tensor;
  requires dev.deepstack.ir;
  requires dev.deepstack.reference;
  requires dev.deepstack.planner;
  requires dev.deepstack.importer;
  requires dev.deepstack.models;
  requires dev.deepstack.passes;
  requires dev.deepstack.program;
  requires dev.deepstack.codegen;
  requires dev.deepstack.runtime;
  requires dev.deepstack.text;
  requires dev.deepstack.hub;
  requires dev.deepstack.compiler;
  requires dev.deepstack.api;
  requires tools.jackson.databind;
  requires info.picocli;
  requires org.jline;
  requires static org.jspecify;

  exports dev.deepstack.cli;
  exports dev.deepstack.cli.verify;

  opens dev.deepstack.cli to info.picocli;
  opens dev.deepstack.cli.output to info.picocli;
  opens dev.deepstack.cli.plan to info.picocli;
}
