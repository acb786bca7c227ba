package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// `docs/ops.md` says what is the case; `-Dgolden.update=true` writes it anew.
final class OpsDocumentTest {
  private static final Path DOCUMENT = Checkout.ROOT.resolve("docs/ops.md");

  @Test
  void saysWhatIsTheCase() throws IOException {
    String text = OpsDocument.text();
    if (Boolean.getBoolean("golden.update")) {
      Files.writeString(DOCUMENT, text);
    }
    assertThat(DOCUMENT).content().isEqualTo(text);
  }
}
