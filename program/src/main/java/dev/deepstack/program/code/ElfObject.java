package dev.deepstack.program.code;

import dev.deepstack.tensor.MalformedModelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A relocatable ELF64 object for x86-64, read and checked. Every offset that leaves this class
/// lies inside the file and inside its section, so that loading needs no further checks of the
/// file's structure.
///
/// @param sections the section table, by section index
/// @param symbols the symbol table, by symbol index
/// @param relocations those of sections that are loaded
record ElfObject(List<Section> sections, List<Symbol> symbols, List<Relocation> relocations) {

  static final int SHN_UNDEF = 0;
  static final int SHN_ABS = 0xfff1;

  private static final int SHT_SYMTAB = 2;
  private static final int SHT_RELA = 4;
  private static final int SHT_NOBITS = 8;
  private static final int SHT_REL = 9;
  private static final long SHF_WRITE = 1;
  private static final long SHF_ALLOC = 2;
  private static final long SHF_EXECINSTR = 4;
  private static final long SHF_TLS = 0x400;
  private static final int HEADER_BYTES = 64;
  private static final int SECTION_HEADER_BYTES = 64;
  private static final int SYMBOL_BYTES = 24;
  private static final int RELOCATION_BYTES = 24;
  private static final int STT_TLS = 6;

  /// What the pages of a section must allow once relocation is done.
  enum Kind {
    CODE,
    CONSTANT,
    DATA,
    IGNORED
  }

  /// @param data the section's bytes, empty for zero-initialised ones
  /// @param size bytes in memory
  record Section(String name, Kind kind, ByteBuffer data, long size, long alignment) {}

  /// @param section the index of the section it lies in, [#SHN_UNDEF] or [#SHN_ABS]
  record Symbol(String name, int section, long value, boolean visible) {}

  /// At `offset` of section `section`: put the address of `symbol` plus `addend`, encoded as
  /// `type` says.
  record Relocation(int section, long offset, int type, int symbol, long addend) {}

  static ElfObject parse(byte[] object) {
    return new Parser(object).parse();
  }

  static MalformedModelException malformed(String what) {
    return new MalformedModelException(
        "The machine code is not a valid x86-64 object: "
            + what
            + ". Delete the file it came from and compile again.");
  }

  private record Header(
      int name, int type, long flags, long offset, long size, int link, int info, long alignment) {}

  private static final class Parser {
    private final ByteBuffer file;
    private final List<Header> headers = new ArrayList<>();

    Parser(byte[] object) {
      file = ByteBuffer.wrap(object).order(ByteOrder.LITTLE_ENDIAN);
    }

    ElfObject parse() {
      int names = readHeaders();
      var sections = new ArrayList<Section>();
      for (Header h : headers) {
        sections.add(section(h, string(headers.get(names), h.name)));
      }
      var symbols = symbols(sections);
      return new ElfObject(sections, symbols, relocations(sections, symbols));
    }

    /// Returns the index of the section that holds the section names.
    private int readHeaders() {
      if (file.limit() < HEADER_BYTES) {
        throw malformed("it has only " + file.limit() + " bytes");
      }
      boolean elf64 = file.getInt(0) == 0x464c457f && file.get(4) == 2 && file.get(5) == 1;
      if (!elf64 || file.getShort(16) != 1 || file.getShort(18) != 62) {
        throw malformed("the header does not say relocatable ELF64 for x86-64");
      }
      long table = file.getLong(40);
      int count = Short.toUnsignedInt(file.getShort(60));
      int names = Short.toUnsignedInt(file.getShort(62));
      boolean fits = inside(table, (long) count * SECTION_HEADER_BYTES, file.limit());
      if (file.getShort(58) != SECTION_HEADER_BYTES || !fits || names >= count) {
        throw malformed("the section table lies outside the file");
      }
      for (int i = 0; i < count; i++) {
        headers.add(header((int) table + i * SECTION_HEADER_BYTES));
      }
      return names;
    }

    private Header header(int at) {
      var h =
          new Header(
              file.getInt(at),
              file.getInt(at + 4),
              file.getLong(at + 8),
              file.getLong(at + 24),
              file.getLong(at + 32),
              file.getInt(at + 40),
              file.getInt(at + 44),
              file.getLong(at + 48));
      boolean stored = h.type != SHT_NOBITS && h.type != 0;
      if (stored && !inside(h.offset, h.size, file.limit())) {
        throw malformed("a section lies outside the file");
      }
      long limit = 1L << 30;
      boolean goodAlignment =
          h.alignment >= 0 && h.alignment <= 4096 && Long.bitCount(h.alignment) <= 1;
      if (h.size < 0 || h.size > limit || !goodAlignment) {
        throw malformed("a section has size " + h.size + " and alignment " + h.alignment);
      }
      return h;
    }

    private Section section(Header h, String name) {
      var kind = kind(h, name);
      boolean stored = h.type != SHT_NOBITS && h.type != 0;
      var data = stored ? file.slice((int) h.offset, (int) h.size) : ByteBuffer.allocate(0);
      return new Section(
          name, kind, data.order(ByteOrder.LITTLE_ENDIAN), h.size, Math.max(h.alignment, 1));
    }

    private static Kind kind(Header h, String name) {
      if ((h.flags & SHF_ALLOC) == 0 || name.equals(".eh_frame") || name.startsWith(".note")) {
        return Kind.IGNORED;
      }
      if ((h.flags & SHF_TLS) != 0) {
        throw malformed("it uses thread-local storage (section " + name + ")");
      }
      boolean write = (h.flags & SHF_WRITE) != 0;
      boolean execute = (h.flags & SHF_EXECINSTR) != 0;
      if (write && execute) {
        throw malformed("section " + name + " is both writable and executable");
      }
      return execute ? Kind.CODE : write ? Kind.DATA : Kind.CONSTANT;
    }

    private List<Symbol> symbols(List<Section> sections) {
      Header table = null;
      for (Header h : headers) {
        table = h.type == SHT_SYMTAB ? h : table;
      }
      var symbols = new ArrayList<Symbol>();
      if (table != null) {
        var names = strings(table);
        for (long i = 0; i < table.size / SYMBOL_BYTES; i++) {
          symbols.add(symbol((int) (table.offset + i * SYMBOL_BYTES), names, sections));
        }
      }
      return symbols;
    }

    private Symbol symbol(int at, Header names, List<Section> sections) {
      var name = string(names, file.getInt(at));
      int type = file.get(at + 4) & 15;
      int binding = (file.get(at + 4) & 0xff) >> 4;
      int section = Short.toUnsignedInt(file.getShort(at + 6));
      long value = file.getLong(at + 8);
      boolean special = section == SHN_UNDEF || section == SHN_ABS;
      boolean placed =
          section < sections.size() && value >= 0 && value <= sections.get(section).size;
      if (type == STT_TLS || !(special || placed)) {
        throw malformed("symbol '" + name + "' lies outside the sections");
      }
      return new Symbol(name, section, value, binding != 0 && type <= 2 && !special);
    }

    private List<Relocation> relocations(List<Section> sections, List<Symbol> symbols) {
      var relocations = new ArrayList<Relocation>();
      for (Header h : headers) {
        boolean any = h.type == SHT_RELA || h.type == SHT_REL;
        if (any && (h.info < 0 || h.info >= sections.size())) {
          throw malformed("relocations for a section that does not exist");
        }
        if (!any || sections.get(h.info).kind == Kind.IGNORED) {
          continue;
        }
        if (h.type == SHT_REL) {
          throw malformed("it has relocations without addends");
        }
        for (long i = 0; i < h.size / RELOCATION_BYTES; i++) {
          relocations.add(
              relocation((int) (h.offset + i * RELOCATION_BYTES), h.info, sections, symbols));
        }
      }
      return relocations;
    }

    private Relocation relocation(
        int at, int section, List<Section> sections, List<Symbol> symbols) {
      var r =
          new Relocation(
              section,
              file.getLong(at),
              file.getInt(at + 8),
              file.getInt(at + 12),
              file.getLong(at + 16));
      var bytes = sections.get(section).data;
      if (!inside(r.offset, NativeCode.width(r.type), bytes.limit())
          || r.symbol < 0
          || r.symbol >= symbols.size()) {
        throw malformed("a relocation points outside its section or the symbol table");
      }
      return r;
    }

    private Header strings(Header table) {
      if (table.link < 0 || table.link >= headers.size()) {
        throw malformed("the symbol names are missing");
      }
      return headers.get(table.link);
    }

    private String string(@Nullable Header table, int offset) {
      if (table == null
          || table.type == SHT_NOBITS
          || offset < 0
          || offset >= Math.max(table.size, 1)) {
        throw malformed("a name lies outside its table");
      }
      int start = (int) table.offset + offset;
      int end = start;
      int limit = (int) (table.offset + table.size);
      while (end < limit && file.get(end) != 0) {
        end++;
      }
      var bytes = new byte[end - start];
      file.get(start, bytes);
      return new String(bytes, StandardCharsets.UTF_8);
    }

    private static boolean inside(long offset, long size, long limit) {
      return offset >= 0 && size >= 0 && size <= limit && offset <= limit - size;
    }
  }
}
