/// Tile IR: loops over on-chip tiles, what every target shares.
@NullMarked
package dev.deepstack.codegen.tile;

import org.jspecify.annotations.NullMarked;
