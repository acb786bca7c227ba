package dev.deepstack.hub;

import dev.deepstack.tensor.InvalidInputException;
import java.util.regex.Pattern;

/// A model on a hub.
///
/// @param owner a user or organisation
/// @param name of the model
/// @param revision a branch, tag or commit
public record Repository(String owner, String name, String revision) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,95}");
  private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}");

  public Repository {
    if (!NAME.matcher(owner).matches() || !NAME.matcher(name).matches()) {
      throw wrong(owner + "/" + name);
    }
    if (!REVISION.matcher(revision).matches() || revision.contains("..")) {
      throw new InvalidInputException("\"" + RemoteFile.printable(revision)
          + "\" is not a branch, tag or commit");
    }
  }

  /// @param text `OWNER/NAME`
  public static Repository parse(String text, String revision) {
    String[] parts = text.split("/", -1);
    if (parts.length != 2) {
      throw wrong(text);
    }
    return new Repository(parts[0], parts[1], revision);
  }

  private static InvalidInputException wrong(String text) {
    return new InvalidInputException("\"" + RemoteFile.printable(text)
        + "\" is not a model's name on a hub; give OWNER/NAME, as in the model's address");
  }

  @Override
  public String toString() {
    return owner + "/" + name;
  }
}
