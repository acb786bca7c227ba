/// Tokenizer, chat templates, incremental detokenising.
module dev.deepstack.text {
  requires tools.jackson.databind;
  requires static org.jspecify;

  exports dev.deepstack.text;
  exports dev.deepstack.text.chat;
  exports dev.deepstack.text.template;
}
