/// GGUF files: a checked container of metadata and mapped tensors, and what a decoder's spec, its weights and its
/// tokenizer are in it.
///
/// [dev.deepstack.importer.gguf.GgufFile] opens a file, [dev.deepstack.importer.gguf.GgufWriter] writes one.
@NullMarked
package dev.deepstack.importer.gguf;

import org.jspecify.annotations.NullMarked;
