/// What a Java program calls: load a model, run it, generate text.
module dev.deepstack.api {
  requires transitive dev.deepstack.tensor;
  requires transitive dev.deepstack.program;
  requires transitive dev.deepstack.runtime;
  requires transitive dev.deepstack.text;
  requires static org.jspecify;

  exports dev.deepstack.api;

  uses dev.deepstack.api.ModelCompiler;
}
