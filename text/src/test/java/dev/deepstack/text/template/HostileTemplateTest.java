package dev.deepstack.text.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Templates from strangers: whatever they do, they end soon, with one sentence, and touch nothing.
class HostileTemplateTest {
  private static final Budget.Limits SMALL = new Budget.Limits(200_000, 1 << 20, 30);

  @ParameterizedTest
  @ValueSource(strings = {
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{{ 'x' * 10000000000 }}", "{{ [0] * 9223372036854775807 }}", "{{ 'ab'.center(99999999) }}",
      "{{ '%999999999d' % 1 }}", "{{ 'x'.replace('', 'y' * 1000000) }}", "{{ ('x' * 1000).replace('x', 'y' * 10000) }}",
      "{{ 9 ** 99999 }}", "{{ 9 ** 99999999999 }}", "{{ '1e999999999'|int ~ 'a' * 10000000 }}",
      "{% set ns = namespace(n=9) %}{% for i in range(100) %}{% set ns.n = ns.n * ns.n %}{% endfor %}{{ ns.n }}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ caller() }}{% endmacro %}"
      + "{% macro r() %}{% call m() %}{{ r() }}{% endcall %}{% endmacro %}{{ r() }}",
      "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
      "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson }}",
      "{% set ns = namespace(a=[], b=[]) %}{% for i in range(1000) %}{% set ns.a = [ns.a] %}{% set ns.b = [ns.b] %}"
      + "{% endfor %}{{ ns.a == ns.b }}",
      "{% set ns = namespace(l=[1, 2]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
      + "{{ ns.l|tojson }}",
      "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}"
      + "{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
      "{% set ns = namespace(t=(1,)) %}{% for i in range(60) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}"
      + "{{ {ns.t: 1} }}",
      "{{ range(100000)|sort|list|join(range(100000)|join) }}", "{{ [1]|tojson(indent='x' * 1000000) }}",
      "{{ range(0, 10, 0) }}", "{{ 'x'.format(*range(100000)) ~ '{:99999}'.format(1) }}",
      "{{ 'a'.split('') }}", "{{ (1).__class__.__mro__ }}", "{{ [].__class__() }}",
      "{{ messages.getClass().forName('x') }}",
      "{% include '/etc/passwd' %}", "{% import 'os' as os %}{{ os.system('x') }}", "{{ self.__init__.__globals__ }}",
      "{{ cycler.__init__.__globals__.os }}", "{{ ''['__class__']['__mro__'] }}", "{{ namespace.__init__ }}{{ a.b }}",
  })
  void endsWithinItsBudget(String source) {
    Assertions.assertTimeoutPreemptively(Duration.ofSeconds(20), () ->
        assertThatThrownBy(() -> Template.parse("t", source).render(
                Map.of("messages", List.of()), Clock.systemUTC(), SMALL))
            .isInstanceOf(TemplateException.class).hasMessageNotContaining("\n"));
  }

  @Test
  void deepNestingIsRefused() {
    for (var source : new String[] {
        "{{ " + "(".repeat(100_000), "{{ " + "[".repeat(100_000), "{{ " + "not ".repeat(100_000) + "1 }}",
        "{{ " + "-".repeat(100_000) + "1 }}", "{% if 1 %}".repeat(100_000), "{{ 1 if " + "1 else 1 if ".repeat(100_000),
        "{% if a %}" + "{% elif b %}".repeat(100_000) + "{% endif %}", "{{ 1" + " + (1".repeat(50_000) + " }}",
        "{{ x" + ".y".repeat(100_000) + " }}", "{{ 1" + " + 1".repeat(200_000) + " }}", "{{ a" + "|trim".repeat(100_000)
        + " }}", "{% set " + "(".repeat(100_000)}) {
      assertThatThrownBy(() -> Template.parse("t", source).render(Map.of("a", "x")))
          .as(source.substring(0, 30)).isInstanceOf(TemplateException.class);
    }
  }

  @Test
  void onlyPlainDataGetsIn() {
    assertThatThrownBy(() -> Template.parse("t", "{{ x }}").render(Map.of("x", new Object())))
        .isInstanceOf(TemplateException.class).hasMessageContaining("not java.lang.Object");
    Map<String, Object> loop = new java.util.HashMap<>();
    loop.put("self", loop);
    assertThatThrownBy(() -> Template.parse("t", "{{ x }}").render(loop))
        .isInstanceOf(TemplateException.class).hasMessageContaining("nested deeper");
  }

  /// Damaged templates are refused or render, and nothing else happens.
  @Test
  void damageIsRefusedOrHarmless() {
    var whole = TemplateTest.RECORDED.get("whole");
    var chats = TemplateTest.RECORDED.get("chats");
    String[] pieces = {
        "{%", "%}", "{{", "}}", "{#", "-", "(", ")", "[", "]", "'", "\\", " if ", " else ", " is ", "|", ".", "~",
        "None", "range(9)", "loop", "*", "**", "%", "0", "-1", "9999999999999999999999", "\ud800", "\u0000", "messages",
        "namespace",
        "|tojson", "|sort", "|join", "|map(attribute='x')", "[::-1]", " in ", "{% for x in y %}", "{% endfor %}"};
    for (int seed = 0; seed < 4000; seed++) {
      var random = new Random(seed);
      var source = new StringBuilder(whole.get(random.nextInt(whole.size())).get("template").stringValue());
      for (int n = random.nextInt(4); n >= 0; n--) {
        int at = random.nextInt(source.length());
        switch (random.nextInt(3)) {
          case 0 -> source.delete(at, Math.min(source.length(), at + random.nextInt(20)));
          case 1 -> source.insert(at, pieces[random.nextInt(pieces.length)]);
          default -> source.setCharAt(at, (char) (32 + random.nextInt(95)));
        }
      }
      var chat = chats.get(random.nextBoolean() ? "tools" : "calls");
      try {
        Template.parse("t", source.toString()).render(TemplateTest.variables(chat), Clock.systemUTC(), SMALL);
      } catch (TemplateException e) {
        assertThat(e.getMessage()).as("seed %d", seed).isNotNull();
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed + ": " + source, e);
      }
    }
  }
}
