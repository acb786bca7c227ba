/// Model files from a hub: what a repository holds, and its files fetched, checked and put in place.
@NullMarked
package dev.deepstack.hub;

import org.jspecify.annotations.NullMarked;
