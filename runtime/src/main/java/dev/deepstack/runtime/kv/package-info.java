/// Memory of past tokens: pages of cache slots that sequences take and give back.
@NullMarked
package dev.deepstack.runtime.kv;

import org.jspecify.annotations.NullMarked;
