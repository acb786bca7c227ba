package dev.deepstack.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GoldenTest {
  @TempDir Path folder;

  @Test
  void acceptsWhatWasWritten() throws Exception {
    Golden.check(folder, "a/b.ir", "one\ntwo", true);
    assertThat(Files.readString(folder.resolve("a/b.ir"))).isEqualTo("one\ntwo\n");
    Golden.check(folder, "a/b.ir", "one\r\ntwo\n", false);
  }

  @Test
  void namesTheFirstLineThatDiffers() {
    Golden.check(folder, "x.ir", "one\ntwo\n", true);
    assertThatThrownBy(() -> Golden.check(folder, "x.ir", "one\n2\n", false))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("line 2")
        .hasMessageContaining("-Dgolden.update=true");
  }

  @Test
  void aMissingGoldenFails() {
    assertThatThrownBy(() -> Golden.check(folder, "none.ir", "x", false)).hasMessageContaining("no golden");
  }

  @Test
  void aNameCannotLeaveTheFolder() {
    assertThatThrownBy(() -> Golden.check(folder, "../x.ir", "x", true))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
