/// Descriptions of decoders read from Hugging Face's config.json.
@NullMarked
package dev.deepstack.models.config;

import org.jspecify.annotations.NullMarked;
