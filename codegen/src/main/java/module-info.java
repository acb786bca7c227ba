/// Graph IR to tile IR to machine code.
module dev.deepstack.codegen {
  requires transitive dev.deepstack.tensor;
  requires transitive dev.deepstack.ir;
  requires transitive dev.deepstack.program;
  requires static org.jspecify;

  exports dev.deepstack.codegen.llvm;
}
