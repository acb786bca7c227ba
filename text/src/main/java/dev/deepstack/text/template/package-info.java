/// Chat templates: an interpreter for the part of Jinja that they use. Values are plain data, there is no way
/// from a template to Java objects, files or the network, and every rendering has a budget.
@NullMarked
package dev.deepstack.text.template;

import org.jspecify.annotations.NullMarked;
