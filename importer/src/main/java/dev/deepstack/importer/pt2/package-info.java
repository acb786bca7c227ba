/// Files of `torch.export`: bytes in, a checked model of the exported program and its mapped weights out.
///
/// [dev.deepstack.importer.pt2.Pt2Archive] opens a file. Nothing in it is executed or unpickled.
@NullMarked
package dev.deepstack.importer.pt2;

import org.jspecify.annotations.NullMarked;
