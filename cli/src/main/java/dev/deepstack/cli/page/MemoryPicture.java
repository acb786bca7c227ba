package dev.deepstack.cli.page;

import static dev.deepstack.planner.report.Svg.escape;
import static dev.deepstack.planner.report.Svg.format;
import static dev.deepstack.planner.report.Svg.label;

import dev.deepstack.cli.bench.Profile;
import dev.deepstack.codegen.llvm.ClockedProgram;
import dev.deepstack.program.Buffer;
import dev.deepstack.program.Program;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The arena over the step: which part of it holds a value while which kernels run.
final class MemoryPicture {
  private static final int WIDTH = 1000;
  private static final int HEIGHT = 360;
  private static final int LEFT = 70;
  private static final int BOTTOM = 22;
  private static final int SLOT_BYTES = 64;

  private MemoryPicture() {}

  /// From the first kernel that touches a buffer to the last.
  private record Life(int first, int last) {
    Life with(int kernel) {
      return new Life(Math.min(first, kernel), Math.max(last, kernel));
    }
  }

  static void append(StringBuilder html, Profile p) {
    Program program = p.program();
    var sizes = new HashMap<>(p.sizes());
    sizes.put(Program.THREADS, (long) p.threads());
    long[] offsets = new long[program.slots().size() + 1];
    for (int i = 0; i < program.slots().size(); i++) {
      long bytes = program.slots().get(i).stream().mapToLong(d -> d.evaluate(sizes)).max().orElse(0);
      offsets[i + 1] = offsets[i] + Math.ceilDiv(bytes, SLOT_BYTES) * SLOT_BYTES;
    }
    long arena = offsets[program.slots().size()];
    html.append("<h2>Memory over the step</h2>");
    if (arena == 0) {
      html.append("<p>No kernel leaves anything to another but results and states.</p>");
      return;
    }
    Map<Integer, Life> lives = lives(p.clocked());
    int kernels = p.kernels().size();
    format(html, "<p><small>Values between kernels take turns in %d slots of %s KB together. From left to right "
        + "the kernels in their order, from bottom to top the addresses; a box is a value, in the colour of the "
        + "kernel that made it.</small></p><svg viewBox='0 0 %d %d' role='img' aria-label='Arena over the step'>",
        program.slots().size(), label(arena / 1e3), WIDTH, HEIGHT);
    for (int i = 0; i <= 4; i++) {
      double y = y(arena * i / 4.0, arena);
      format(html, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' class='grid'/><text x='%d' y='%.1f' "
          + "text-anchor='end'>%s KB</text>", LEFT, WIDTH, y, y, LEFT - 6, y + 4, label(arena * i / 4e3));
    }
    lives.forEach((buffer, life) -> {
      if (program.buffers().get(buffer) instanceof Buffer.Slot(int slot)) {
        box(html, p, offsets, slot, life, arena);
      }
    });
    for (int i = 0; i <= 4; i++) {
      format(html, "<text x='%.1f' y='%d' text-anchor='%s'>%d</text>", x(kernels * i / 4.0, kernels), HEIGHT - 4,
          i == 4 ? "end" : "middle", Math.round(kernels * i / 4.0));
    }
    format(html, "<rect class='frame' x='%d' y='%.1f' width='%d' height='%.1f'/></svg>", LEFT, y(arena, arena),
        WIDTH - LEFT, y(0, arena) - y(arena, arena));
  }

  private static void box(StringBuilder html, Profile p, long[] offsets, int slot, Life life, long arena) {
    List<String> kinds = InspectPage.kinds(p);
    Profile.Row maker = p.kernels().get(life.first);
    int kernels = p.kernels().size();
    double left = x(life.first, kernels);
    double top = y(offsets[slot + 1], arena);
    format(html, "<rect x='%.2f' y='%.2f' width='%.2f' height='%.2f' fill='%s' fill-opacity='.75' stroke='var(--bg)' "
        + "stroke-width='.5'><title>slot %d, %s KB from %s KB, kernels %d to %d: %s</title></rect>", left, top,
        x(life.last + 1, kernels) - left, y(offsets[slot], arena) - top,
        InspectPage.colour(kinds, maker.kernel().kind()), slot, label((offsets[slot + 1] - offsets[slot]) / 1e3),
        label(offsets[slot] / 1e3), life.first + 1, life.last + 1, escape(maker.kernel().note()));
  }

  private static double x(double kernel, int kernels) {
    return LEFT + (WIDTH - LEFT) * kernel / kernels;
  }

  private static double y(double bytes, long arena) {
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 8) * bytes / arena;
  }

  /// What a loop touches lives as long as the loop.
  private static Map<Integer, Life> lives(ClockedProgram clocked) {
    Map<Integer, Life> loops = new HashMap<>();
    for (int i = 0; i < clocked.uses().size(); i++) {
      int kernel = i;
      loops.compute(clocked.uses().get(i).loop(), (_, l) -> l == null ? new Life(kernel, kernel) : l.with(kernel));
    }
    var lives = new TreeMap<Integer, Life>();
    for (int i = 0; i < clocked.uses().size(); i++) {
      ClockedProgram.Use use = clocked.uses().get(i);
      Life here = use.loop() < 0 ? new Life(i, i) : loops.get(use.loop());
      for (List<Integer> buffers : List.of(use.reads(), use.writes())) {
        for (int b : buffers) {
          lives.merge(b, here, (a, c) -> a.with(c.first).with(c.last));
        }
      }
    }
    return new LinkedHashMap<>(lives);
  }
}
