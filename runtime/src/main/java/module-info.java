/// Runs programs: memory, threads, state, sampling.
module dev.deepstack.runtime {
  requires transitive dev.deepstack.tensor;
  requires transitive dev.deepstack.program;
  requires static org.jspecify;

  exports dev.deepstack.runtime;
  exports dev.deepstack.runtime.batch;
  exports dev.deepstack.runtime.kv;
  exports dev.deepstack.runtime.memory;
  exports dev.deepstack.runtime.sample;
}
