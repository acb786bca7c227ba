/// Tests that span rooms: the import table, the laws, tidiness, whole models.
@NullMarked
package dev.deepstack.conformance;

import org.jspecify.annotations.NullMarked;
