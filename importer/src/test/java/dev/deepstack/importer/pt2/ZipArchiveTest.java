package dev.deepstack.importer.pt2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.MalformedModelException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ZipArchiveTest {
  private static final byte[] DATA = "some content, some content".getBytes(StandardCharsets.UTF_8);

  private static ZipArchive open(byte[] bytes) {
    var segment = Arena.ofAuto().allocate(Math.max(1, bytes.length)).asSlice(0, bytes.length);
    segment.copyFrom(MemorySegment.ofArray(bytes));
    return ZipArchive.open(segment, "test.pt2", Arena.ofAuto());
  }

  private static void refuses(byte[] bytes, String message) {
    assertThatThrownBy(() -> {
      var zip = open(bytes);
      zip.names().forEach(zip::read);
    }).isInstanceOf(MalformedModelException.class).hasMessageContaining(message)
        .hasMessageContaining("test.pt2");
  }

  private static TestZip one(Consumer<TestZip.Entry> spoil) {
    return new TestZip().add("a", DATA, spoil);
  }

  @Test
  void readsStoredAndDeflatedEntries() {
    var zip = open(new TestZip().add("root/a", DATA).deflate("root/b", DATA, _ -> {}).add("root/", "")
        .bytes());
    assertThat(zip.names()).containsExactly("root/a", "root/b");
    assertThat(zip.read("root/a").toArray(ValueLayout.JAVA_BYTE)).isEqualTo(DATA);
    assertThat(zip.read("root/b").toArray(ValueLayout.JAVA_BYTE)).isEqualTo(DATA);
    assertThat(zip.read("root/a")).isSameAs(zip.map("root/a"));
  }

  @Test
  void readsDeflatedEntriesWithDescriptors() throws IOException {
    var out = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("a"));
      zip.write(DATA);
      zip.closeEntry();
    }
    assertThat(open(out.toByteArray()).read("a").toArray(ValueLayout.JAVA_BYTE)).isEqualTo(DATA);
  }

  @Test
  void readsAnEmptyArchive() {
    assertThat(open(new TestZip().bytes()).names()).isEmpty();
  }

  @Test
  void refusesWhatIsNoZip() {
    refuses(new byte[0], "not a zip archive");
    refuses("GGUF and so on, long enough for a record".getBytes(StandardCharsets.UTF_8), "not a zip archive");
    var whole = one(_ -> {}).bytes();
    refuses(java.util.Arrays.copyOf(whole, whole.length - 1), "cut short");
  }

  @Test
  void refusesPolyglotsAndTrailers() {
    var prefixed = one(_ -> {});
    prefixed.before = "#!/bin/sh\n".getBytes(StandardCharsets.UTF_8);
    refuses(prefixed.bytes(), "precedes");
    var trailed = one(_ -> {});
    trailed.after = new byte[5];
    refuses(trailed.bytes(), "cut short");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../a", "a/../b", "/etc/passwd", "a\\b", "C:/x", "a/..", "./a", "nul\0byte", ""})
  void refusesNamesThatLeaveTheFolder(String name) {
    refuses(new TestZip().add(name, DATA).bytes(), "leave its folder");
  }

  @Test
  void refusesNamesThatAreNotText() {
    refuses(one(entry -> {
      entry.centralName = new byte[] {(byte) 0xff};
      entry.localName = entry.centralName;
    }).bytes(), "not UTF-8");
  }

  @Test
  void refusesDuplicateNames() {
    refuses(new TestZip().add("a", DATA).add("a", "other").bytes(), "two entries");
  }

  @Test
  void refusesLocalHeadersThatDisagree() {
    refuses(one(entry -> entry.localName = new byte[] {'b'}).bytes(), "disagrees");
    refuses(one(entry -> entry.localName = new byte[] {'a', 'b'}).bytes(), "disagrees");
    refuses(one(entry -> entry.localSize++).bytes(), "disagrees");
    refuses(one(entry -> entry.localCompressed--).bytes(), "disagrees");
  }

  @Test
  void refusesOverlap() {
    refuses(new TestZip().add("a", DATA).add("b", DATA, entry -> {
      entry.moved = true;
      entry.offset = 0;
      entry.localName = new byte[] {'a'};
      entry.centralName = new byte[] {'b'};
    }).bytes(), "disagrees");
    // A whole entry quoted inside another one: every header is sound, yet both own the same bytes.
    var inner = new TestZip().add("b", DATA).bytes();
    refuses(new TestZip().add("a", inner).add("b", DATA, entry -> {
      entry.moved = true;
      entry.offset = 31;
    }).bytes(), "overlaps");
  }

  @Test
  void refusesEntriesOutsideTheFile() {
    refuses(one(entry -> {
      entry.moved = true;
      entry.offset = 1 << 20;
    }).bytes(), "local header is missing");
    refuses(one(entry -> {
      entry.centralSize = 0x7fff_0000;
      entry.centralCompressed = 0x7fff_0000;
    }).bytes(), "beyond the end");
    refuses(one(entry -> entry.centralSize = 0xffff_ffffL).bytes(), "64-bit size is missing");
  }

  @Test
  void refusesEncryptionAndOtherMethods() {
    refuses(one(entry -> entry.flags |= 1).bytes(), "encrypted");
    refuses(one(entry -> entry.method = 12).bytes(), "method 12");
  }

  @Test
  void refusesWrongChecksums() {
    refuses(one(entry -> entry.crc ^= 1).bytes(), "checksum");
    var deflated = new TestZip().deflate("a", DATA, entry -> entry.crc ^= 1);
    refuses(deflated.bytes(), "checksum");
  }

  @Test
  void refusesWrongInflatedSizes() {
    for (int change : new int[] {-1, 1, 100}) {
      refuses(new TestZip().deflate("a", DATA, entry -> {
        entry.centralSize += change;
        entry.localSize += change;
      }).bytes(), "does not inflate");
    }
  }

  @Test
  void refusesBombs() {
    var zeros = new byte[8 << 20];
    var bomb = new TestZip();
    for (int i = 0; i < 12; i++) {
      bomb.deflate("zeros" + i, zeros, _ -> {});
    }
    refuses(bomb.bytes(), "would inflate");
    refuses(new TestZip().deflate("a", DATA, entry -> {
      entry.centralSize = Integer.MAX_VALUE;
      entry.localSize = Integer.MAX_VALUE;
    }).bytes(), "would inflate");
  }

  @Test
  void refusesWrongCounts() {
    var more = one(_ -> {});
    more.count = 0x7fff;
    refuses(more.bytes(), "room for fewer");
    var fewer = one(_ -> {});
    fewer.count = 0;
    refuses(fewer.bytes(), "not as long");
  }
}
