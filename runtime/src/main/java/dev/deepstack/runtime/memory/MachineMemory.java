package dev.deepstack.runtime.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Memory that a process here may still take.
public final class MachineMemory {
  private static final Pattern AVAILABLE = Pattern.compile("(?m)^MemAvailable:\\s+(\\d+) kB$");
  private static final Pattern PEAK = Pattern.compile("(?m)^VmHWM:\\s+(\\d+) kB$");
  private static final Pattern NOW = Pattern.compile("(?m)^VmRSS:\\s+(\\d+) kB$");
  private static final Pattern UNIFIED = Pattern.compile("(?m)^0::(/.*)$");
  private static final Pattern NAMED = Pattern.compile("(?m)^\\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(/.*)$");
  private static final Pattern RECLAIMABLE = Pattern.compile("(?m)^(?:total_)?inactive_file (\\d+)$");

  private final Path root;

  /// @param root `/`, or a folder that stands for it
  MachineMemory(Path root) {
    this.root = root;
  }

  /// Bytes available by the system's own estimate, at most what the groups this process is in may still take;
  /// [Long#MAX_VALUE] where the system says nothing.
  public static long available() {
    return new MachineMemory(Path.of("/")).read();
  }

  /// The most bytes of memory this process ever had at once, mapped files included; 0 where the system does not say.
  public static long peak() {
    return number(PEAK, text(Path.of("/proc/self/status")), 0);
  }

  /// Bytes of memory this process has now, mapped files included; 0 where the system does not say.
  public static long now() {
    return number(NOW, text(Path.of("/proc/self/status")), 0);
  }

  long read() {
    long least = number(AVAILABLE, text(root.resolve("proc/meminfo")), Long.MAX_VALUE / 1024);
    String groups = text(root.resolve("proc/self/cgroup"));
    Matcher unified = UNIFIED.matcher(groups);
    if (unified.find()) {
      least = Math.min(least, left(root.resolve("sys/fs/cgroup"), unified.group(1), "memory.max", "memory.current"));
    }
    Matcher named = NAMED.matcher(groups);
    if (named.find()) {
      least = Math.min(least, left(root.resolve("sys/fs/cgroup/memory"), named.group(1), "memory.limit_in_bytes",
          "memory.usage_in_bytes"));
    }
    return least;
  }

  /// What a group and those around it leave. Inside a container the group's own path may not be there; its root is.
  private static long left(Path mount, String group, String limitFile, String usedFile) {
    long least = Long.MAX_VALUE;
    Path inner = mount.resolve(group.substring(1)).normalize();
    for (@Nullable Path at = inner; at != null && at.startsWith(mount); at = at.getParent()) {
      String limit = text(at.resolve(limitFile)).strip();
      if (limit.matches("\\d{1,18}")) {
        String used = text(at.resolve(usedFile)).strip();
        long reclaimable = bytes(RECLAIMABLE, text(at.resolve("memory.stat")));
        long taken = used.matches("\\d{1,18}") ? Math.max(0, Long.parseLong(used) - reclaimable) : 0;
        least = Math.min(least, Math.max(0, Long.parseLong(limit) - taken));
      }
    }
    return least;
  }

  private static long bytes(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
  }

  /// A figure in kB as bytes.
  private static long number(Pattern pattern, String text, long otherwise) {
    Matcher matcher = pattern.matcher(text);
    return (matcher.find() ? Long.parseLong(matcher.group(1)) : otherwise) * 1024;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException | SecurityException _) {
      return "";
    }
  }
}
