/// A decoder described as data: its shapes, its weights by name and what they cost.
@NullMarked
package dev.deepstack.models;

import org.jspecify.annotations.NullMarked;
