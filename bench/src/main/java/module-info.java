/// Benchmarks against other engines; built only with -Pbench.
module dev.deepstack.bench {
  requires dev.deepstack.tensor;
  requires dev.deepstack.ir;
  requires dev.deepstack.reference;
  requires dev.deepstack.importer;
  requires dev.deepstack.passes;
  requires dev.deepstack.program;
  requires dev.deepstack.codegen;
  requires dev.deepstack.runtime;
  requires dev.deepstack.text;
  requires dev.deepstack.compiler;
  requires dev.deepstack.api;
  requires dev.deepstack.cli;
  requires tools.jackson.databind;
  requires com.microsoft.onnxruntime;
  requires org.bytedeco.javacpp;
  requires org.bytedeco.pytorch;
  requires static org.jspecify;
}
