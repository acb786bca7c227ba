package dev.deepstack.models;

/// One decoder layer.
public record LayerSpec(AttentionSpec attention, FeedForwardSpec feedForward) {}
