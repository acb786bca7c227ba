/// From a model file to a program, in one method that reads like the picture.
module dev.deepstack.compiler {
  requires transitive dev.deepstack.tensor;
  requires transitive dev.deepstack.ir;
  requires transitive dev.deepstack.importer;
  requires transitive dev.deepstack.passes;
  requires transitive dev.deepstack.codegen;
  requires transitive dev.deepstack.program;
  requires dev.deepstack.api;
  requires dev.deepstack.models;
  requires tools.jackson.databind;
  requires static org.jspecify;

  exports dev.deepstack.compiler;

  provides dev.deepstack.api.ModelCompiler with dev.deepstack.compiler.Pt2Compiler,
      dev.deepstack.compiler.DecoderCompiler;
}
