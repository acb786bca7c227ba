/// Coverage-guided fuzzing of everything that reads bytes; see docs/fuzzing.md. The targets need no fuzzer: the normal
/// build runs them on the inputs that once broke something.
@NullMarked
package dev.deepstack.conformance.fuzz;

import org.jspecify.annotations.NullMarked;
