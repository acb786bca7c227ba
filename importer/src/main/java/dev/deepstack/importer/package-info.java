/// Exported PyTorch programs (`.pt2`) to graph IR and weights.
@NullMarked
package dev.deepstack.importer;

import org.jspecify.annotations.NullMarked;
