package dev.deepstack.text.template;

import java.util.List;

/// What filters like `map` and `select` give: items to go through, true even when there are none, and without
/// length and positions.
record Generated(List<Object> items) {}
