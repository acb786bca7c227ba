package dev.deepstack.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void readsWhatItWrites() {
    var tensors = new LinkedHashMap<String, HostTensor>();
    tensors.put("x", HostTensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    tensors.put("none", HostTensor.zeros(DType.I64, 0, 4));
    tensors.put("i", HostTensor.of(new long[] {7}, 1));
    Path file = folder.resolve("t.safetensors");
    Safetensors.write(file, tensors);
    try (Arena arena = Arena.ofConfined()) {
      var read = Safetensors.read(file, arena);
      assertThat(read.keySet()).containsExactly("x", "none", "i");
      assertThat(read.get("x").toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(read.get("i").toLongs()).containsExactly(7);
      assertThat(read.get("none").shape()).containsExactly(0, 4);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {
      "", "[]", "{", "{\"a\":1}", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
  })
  void refusesBrokenHeaders(String header) throws IOException {
    Path file = folder.resolve("bad.safetensors");
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + json.length + 8).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).putDouble(0);
    Files.write(file, bytes.array());
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> Safetensors.read(file, arena))
          .isInstanceOf(MalformedModelException.class).hasMessageContaining("bad.safetensors");
    }
  }
}
