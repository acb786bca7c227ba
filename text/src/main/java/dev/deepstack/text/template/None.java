package dev.deepstack.text.template;

/// The value `none`, JSON's null.
enum None { NONE }
