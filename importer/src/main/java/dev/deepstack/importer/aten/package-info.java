/// Nodes of exported programs to ops: one file per family of operators, and the bookkeeping of views and
/// writes.
@NullMarked
package dev.deepstack.importer.aten;

import org.jspecify.annotations.NullMarked;
