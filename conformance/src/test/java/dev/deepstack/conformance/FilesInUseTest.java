package dev.deepstack.conformance;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A checkpoint whose files change, are cut or go while it is loaded.
final class FilesInUseTest {
  private static final int[] PROMPT = {5, 17, 3};

  @TempDir
  private Path folder;

  private Path weights() {
    return folder.resolve("model.safetensors");
  }

  private Model load(String fixture) throws IOException {
    try (var files = Files.list(Checkout.ROOT.resolve("conformance/fixtures/hf/" + fixture))) {
      for (Path f : files.toList()) {
        Files.copy(f, folder.resolve(String.valueOf(f.getFileName())));
      }
    }
    return Model.load(folder, LoadOptions.standard());
  }

  private void refused(Model model) {
    assertThatThrownBy(() -> model.generator().generate(PROMPT, GenerationOptions.greedy(2)))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("model.safetensors was changed")
        .hasMessageEndingWith("load it again");
    assertThatThrownBy(() -> model.generator().together(List.of(PROMPT, PROMPT), GenerationOptions.greedy(2)))
        .isInstanceOf(InvalidInputException.class);
  }

  @Test
  void runsWhileNothingChanges() throws IOException {
    try (Model model = load("llama")) {
      assertThat(model.generator().generate(PROMPT, GenerationOptions.greedy(2)).tokenIds()).hasSize(2);
    }
  }

  @Test
  void noticesThatAFileWasCut() throws IOException {
    try (Model model = load("llama")) {
      cut(4096);
      refused(model);
    }
  }

  /// Spaces after the header put tensors where kernels can read them in the mapped file, as GGUF files and packed
  /// copies have them; others are copied.
  private void align() throws IOException {
    var bytes = ByteBuffer.wrap(Files.readAllBytes(weights())).order(ByteOrder.LITTLE_ENDIAN);
    int header = (int) bytes.getLong(0);
    int padding = -(Long.BYTES + header) & 63;
    var aligned = ByteBuffer.allocate(bytes.capacity() + padding).order(ByteOrder.LITTLE_ENDIAN);
    aligned.putLong(header + padding).put(bytes.slice(Long.BYTES, header)).put(" ".repeat(padding).getBytes(US_ASCII));
    aligned.put(bytes.position(Long.BYTES + header));
    Files.write(weights(), aligned.array());
  }

  @Test
  void survivesAFileThatIsCutDuringAnAnswer() throws IOException {
    load("llama").close();
    align();
    try (Model model = Model.load(folder)) {
      int[] asked = {0};
      var options = GenerationOptions.greedy(20).withCancellation(() -> {
        if (asked[0]++ == 3) {
          cut(0);
        }
        return false;
      });
      assertThatThrownBy(() -> model.generator().generate(PROMPT, options))
          .isInstanceOf(InvalidInputException.class).hasMessageContaining("model.safetensors was changed")
          .hasMessageEndingWith("load it again").hasMessageNotContaining("\n");
      assertThat(asked[0]).isLessThan(7);
      refused(model);
    }
  }

  @Test
  void refusesWhatCameOutWhileAFileWasWrittenTo() throws IOException {
    try (Model model = load("llama")) {
      int[] asked = {0};
      var options = GenerationOptions.greedy(20).withCancellation(() -> {
        if (asked[0]++ == 3) {
          try (var file = new RandomAccessFile(weights().toFile(), "rw")) {
            file.seek(file.length() - 2);
            file.write(7);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
        return false;
      });
      assertThatThrownBy(() -> model.generator().generate(PROMPT, options))
          .isInstanceOf(InvalidInputException.class).hasMessageContaining("model.safetensors was changed");
    }
  }

  @Test
  void anAnswerEndsThoughItsFileWasReplaced() throws IOException {
    try (Model model = load("llama")) {
      int[] asked = {0};
      var options = GenerationOptions.greedy(20).withCancellation(() -> {
        if (asked[0]++ == 3) {
          try {
            Files.delete(weights());
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
        return false;
      });
      assertThat(model.generator().generate(PROMPT, options).tokenIds()).hasSize(20);
      refused(model);
    }
  }

  private void cut(long length) {
    try (var file = new RandomAccessFile(weights().toFile(), "rw")) {
      file.setLength(length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void noticesAnotherFileOfTheSameSizeAndTime() throws IOException {
    try (Model model = load("llama")) {
      FileTime time = Files.getLastModifiedTime(weights());
      Path other = Files.copy(weights(), folder.resolve("other"));
      Files.setLastModifiedTime(other, time);
      Files.move(other, weights(), StandardCopyOption.REPLACE_EXISTING);
      refused(model);
    }
  }

  @Test
  void noticesThatAFileWentAway() throws IOException {
    try (Model model = load("llama")) {
      Files.delete(weights());
      refused(model);
    }
  }

  @Test
  void aShardThatIsMissingOrCutIsNamed() throws IOException {
    load("llama_sharded").close();
    Path shard;
    try (var files = Files.list(folder)) {
      shard = files.filter(f -> f.toString().endsWith(".safetensors") && f.toString().contains("-of-")).sorted()
          .toList().getLast();
    }
    String name = String.valueOf(shard.getFileName());
    try (var file = new RandomAccessFile(shard.toFile(), "rw")) {
      file.setLength(Files.size(shard) - 8);
    }
    assertThatThrownBy(() -> Model.load(folder)).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining(name).hasMessageNotContaining("\n");
    Files.delete(shard);
    assertThatThrownBy(() -> Model.load(folder)).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining(name).hasMessageNotContaining("\n");
    assertThatCode(() -> Files.list(folder).close()).doesNotThrowAnyException();
    assertThat(folder.resolve(".deepstack")).doesNotExist();
  }
}
