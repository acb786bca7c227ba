package dev.deepstack.conformance;

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
      try (var file = new RandomAccessFile(weights().toFile(), "rw")) {
        file.setLength(4096);
      }
      refused(model);
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
