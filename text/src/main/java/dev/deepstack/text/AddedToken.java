package dev.deepstack.text;

/// A token that is matched in the text before anything else, by its spelling.
///
/// @param singleWord matches only where no word character touches it
/// @param stripsLeft takes the white space before it
/// @param stripsRight takes the white space after it
/// @param normalized is looked for in the normalized text, not the raw one
/// @param special has a meaning of its own and is hidden in decoded text
record AddedToken(
    int id, String content, boolean singleWord, boolean stripsLeft, boolean stripsRight,
    boolean normalized, boolean special) {}
