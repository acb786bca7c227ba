package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;

/// Where in a file we are, for messages: `model.pt2`, `model.pt2, entry model/models/model.json`.
record Place(String text) {
  private static final int QUOTE_MAX = 120;

  /// A part of this place.
  Place in(String entry) {
    return new Place(text + ", entry " + quote(entry));
  }

  /// The file is broken here.
  MalformedModelException malformed(String what) {
    return new MalformedModelException(text + ": " + what
        + "; the file is damaged or was changed: copy it again or export the model again");
  }

  /// The same with a cause.
  MalformedModelException malformed(String what, Throwable cause) {
    return new MalformedModelException(text + ": " + what
        + "; the file is damaged or was changed: copy it again or export the model again", cause);
  }

  /// The file is valid but not readable here; `what` ends with what to do.
  UnsupportedModelException unsupported(String what) {
    return new UnsupportedModelException(text + ": " + what);
  }

  /// Text from the file made fit for a message: short, and without control characters.
  static String quote(String fromFile) {
    var shown = fromFile.length() <= QUOTE_MAX ? fromFile : fromFile.substring(0, QUOTE_MAX) + "…";
    return shown.replaceAll("\\p{Cntrl}", "?");
  }
}
