package dev.deepstack.text;

/// Whether decoded text shows special tokens by their spelling.
public enum SpecialTokens { HIDDEN, SHOWN }
