package dev.deepstack.runtime.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MachineMemoryTest {
  @TempDir
  private Path root;

  private void write(String path, String text) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private long available() {
    return new MachineMemory(root).read();
  }

  @Test
  void takesTheSystemsEstimate() throws IOException {
    write("proc/meminfo", "MemTotal:       24000000 kB\nMemAvailable:   20000000 kB\n");
    assertThat(available()).isEqualTo(20000000L * 1024);
  }

  @Test
  void takesTheTightestGroup() throws IOException {
    write("proc/meminfo", "MemAvailable:   20000000 kB\n");
    write("proc/self/cgroup", "0::/a/b\n");
    write("sys/fs/cgroup/a/b/memory.max", "max\n");
    write("sys/fs/cgroup/a/memory.max", "1000000000\n");
    write("sys/fs/cgroup/a/memory.current", "700000000\n");
    write("sys/fs/cgroup/a/memory.stat", "anon 500\ninactive_file 200000000\n");
    assertThat(available()).isEqualTo(500_000_000);
    write("sys/fs/cgroup/memory.max", "100\n");
    assertThat(available()).isEqualTo(100);
  }

  @Test
  void knowsTheOlderGroups() throws IOException {
    write("proc/meminfo", "MemAvailable:   20000000 kB\n");
    write("proc/self/cgroup", "12:cpu,cpuacct:/x\n5:memory:/docker/1\n");
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
    write("sys/fs/cgroup/memory/memory.usage_in_bytes", "2000\n");
    assertThat(available()).isEqualTo(3000);
  }

  @Test
  void nothingIsNoLimit() {
    assertThat(available()).isGreaterThan(1L << 60);
    assertThat(MachineMemory.available()).isPositive();
    assertThat(MachineMemory.peak()).isPositive();
  }
}
