/// What plans look like to a reader: text, JSON, one page of HTML.
@NullMarked
package dev.deepstack.planner.report;

import org.jspecify.annotations.NullMarked;
