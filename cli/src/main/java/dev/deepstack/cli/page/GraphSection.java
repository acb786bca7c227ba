package dev.deepstack.cli.page;

import static dev.deepstack.planner.report.Svg.escape;
import static dev.deepstack.planner.report.Svg.format;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Graphs as text whose operands lead to where they are made, in pieces that fold.
final class GraphSection {
  private static final int PIECE_LINES = 100;
  private static final int OPEN_PIECES = 2;
  private static final Pattern DEFINED = Pattern.compile("(\\s*)(%\\d+) = (\\w+)(.*)", Pattern.DOTALL);
  private static final Pattern OPERAND = Pattern.compile("%(\\d+)");
  /// Marks what is searched for, and the uses of the value under the pointer.
  private static final String SCRIPT = """
      <script>const q=document.getElementById('find');q.oninput=()=>{const t=q.value.trim().toLowerCase();let n=0;
      document.querySelectorAll('.ir div').forEach(d=>{const h=t&&d.textContent.toLowerCase().includes(t);
      d.classList.toggle('hit',!!h);if(h){n++;d.closest('details').open=true}});
      document.getElementById('found').textContent=t?n+' lines':''};
      const open=()=>{const d=location.hash&&document.getElementById(location.hash.slice(1));
      if(d){d.closest('details').open=true;d.scrollIntoView({block:'center'})}};
      addEventListener('hashchange',open);open();</script>
      """;

  private GraphSection() {}

  static void append(StringBuilder html, Graph before, Graph after) {
    format(html, "<h2>The graph before and after the passes</h2><p>%d values became %d.</p>", before.values().size(),
        after.values().size());
    ops(html, before, after);
    html.append("<p><input type='search' id='find' placeholder='find an op, a name, a shape' aria-label='find'> "
        + "<small id='found'></small></p><div class='graphs'>");
    graph(html, "As imported", "b", before);
    graph(html, "After the passes", "a", after);
    html.append("</div>").append(SCRIPT);
  }

  private static Map<String, Integer> count(Graph graph) {
    var counts = new LinkedHashMap<String, Integer>();
    count(graph, counts);
    return counts;
  }

  private static void count(Graph graph, Map<String, Integer> counts) {
    graph.values().forEach(v -> {
      counts.merge(OpSchema.name(v.op()), 1, Integer::sum);
      if (v.op() instanceof Op.Loop loop && loop.result() == 0) {
        count(loop.body().graph(), counts);
      }
    });
  }

  private static void ops(StringBuilder html, Graph before, Graph after) {
    Map<String, Integer> old = count(before);
    Map<String, Integer> now = count(after);
    var names = new TreeSet<>(old.keySet());
    names.addAll(now.keySet());
    html.append("<details><summary>Ops before and after</summary><div class='wide'><table><tr><th>Op"
        + "<th class='n'>Before<th class='n'>After</tr>");
    names.forEach(n -> format(html, "<tr><td>%s<td class='n'>%d<td class='n'>%d</tr>", escape(n),
        old.getOrDefault(n, 0), now.getOrDefault(n, 0)));
    html.append("</table></div></details>");
  }

  private static void graph(StringBuilder html, String title, String id, Graph graph) {
    format(html, "<section><h3>%s</h3>", escape(title));
    var lines = graph.toString().lines().toList();
    int body = 0;
    for (int from = 0; from < lines.size(); from += PIECE_LINES) {
      int to = Math.min(lines.size(), from + PIECE_LINES);
      format(html, "<details%s><summary>lines %d to %d</summary><div class='ir' tabindex='0'>",
          from / PIECE_LINES < OPEN_PIECES ? " open" : "", from + 1, to);
      for (String line : lines.subList(from, to)) {
        // The numbers of values begin anew in each body and in the graph itself.
        body += line.startsWith("body ") || line.startsWith("graph ") ? 1 : 0;
        line(html, id + body + "-", line);
      }
      html.append("</div></details>");
    }
    html.append("</section>");
  }

  private static void line(StringBuilder html, String scope, String line) {
    var defined = DEFINED.matcher(line);
    if (!defined.matches()) {
      format(html, "<div>%s</div>", linked(scope, line));
      return;
    }
    format(html, "<div id='%s%s'>%s%s = <span class='op'>%s</span>%s</div>", scope, defined.group(2).substring(1),
        defined.group(1), defined.group(2), escape(defined.group(3)), linked(scope, defined.group(4)));
  }

  private static String linked(String scope, String text) {
    return OPERAND.matcher(escape(text)).replaceAll("<a href='#" + scope + "$1'>%$1</a>");
  }
}
