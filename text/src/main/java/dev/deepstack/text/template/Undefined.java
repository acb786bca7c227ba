package dev.deepstack.text.template;

/// The value of a name, attribute or item that does not exist. It prints as nothing, is false and has no
/// items; anything else done with it is an error.
///
/// @param what what does not exist, for messages
record Undefined(String what) {
  TemplateException error() {
    return new TemplateException(what + " is undefined");
  }
}
