package dev.deepstack.cli.verify;

import dev.deepstack.runtime.Executable;
import dev.deepstack.tensor.HostTensor;
import java.util.Map;

/// Generated machine code as an engine.
public final class NativeEngine implements Engine {
  private final Executable executable;

  public NativeEngine(Executable executable) {
    this.executable = executable;
  }

  @Override
  public Outputs step(Map<String, HostTensor> inputs) {
    return new Outputs(executable.run(inputs), executable.states());
  }

  @Override
  public void reset() {
    executable.reset();
  }
}
