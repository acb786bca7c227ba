/// Devices and fabrics as data.
@NullMarked
package dev.deepstack.planner.device;

import org.jspecify.annotations.NullMarked;
