package dev.deepstack.text.template;

/// A template that cannot be read or rendered: broken, beyond its budget, or refusing its input by
/// `raise_exception`. The message is one sentence.
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean complete;

  public TemplateException(String message) {
    this(message, false);
  }

  public TemplateException(String message, Throwable cause) {
    super(message, cause);
    complete = true;
  }

  private TemplateException(String message, boolean complete) {
    super(message);
    this.complete = complete;
  }

  /// The template's own words, to which nothing is added.
  static TemplateException quoting(String message) {
    return new TemplateException(message, true);
  }

  /// The same, saying where in the template.
  TemplateException at(String name, int line) {
    return complete ? this : new TemplateException("%s line %d: %s".formatted(name, line, getMessage()), this);
  }
}
