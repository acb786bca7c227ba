/// Checkpoint folders as Hugging Face lays them out: config.json beside safetensors files.
@NullMarked
package dev.deepstack.importer.hf;

import org.jspecify.annotations.NullMarked;
