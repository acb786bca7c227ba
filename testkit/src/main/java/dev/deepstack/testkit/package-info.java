/// Goldens, seeded generators and tolerant comparison, for the tests of every room; knows nothing of ours.
@NullMarked
package dev.deepstack.testkit;

import org.jspecify.annotations.NullMarked;
