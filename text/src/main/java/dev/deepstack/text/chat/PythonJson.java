package dev.deepstack.text.chat;

import dev.deepstack.text.template.Template;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// JSON with the spaces that Python's `json.dumps` puts, by the filter that templates have for it.
final class PythonJson {
  private static final Template WRITER = Template.parse("JSON", "{{ value | tojson }}");

  private PythonJson() {}

  static String write(@Nullable Object value) {
    var variables = new HashMap<String, @Nullable Object>();
    variables.put("value", value);
    return WRITER.render(variables);
  }

  /// The value of JSON text, or null for what is none.
  static @Nullable Object read(String text) {
    var node = CallReader.parse(text);
    return node != null && node.isObject() ? JsonMapper.shared().treeToValue(node, Map.class) : null;
  }
}
