package dev.deepstack.program.code;

import dev.deepstack.program.code.ElfObject.Kind;
import dev.deepstack.program.code.ElfObject.Relocation;
import dev.deepstack.program.code.ElfObject.Section;
import dev.deepstack.program.code.ElfObject.Symbol;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Machine code from one relocatable object, placed in memory and ready to be called. Pages are
/// writable while relocations are applied and never both writable and executable: code ends as
/// read-execute, constants and the offset table as read-only, data as read-write. Undefined
/// symbols are looked up in the C library.
///
/// Freshly compiled, cached and packaged code all come through here, so there is no second way
/// for code to start.
public final class NativeCode implements AutoCloseable {
  private static final int R_X86_64_64 = 1;
  private static final int R_X86_64_PC32 = 2;
  private static final int R_X86_64_PLT32 = 4;
  private static final int R_X86_64_GOTPCREL = 9;
  private static final int R_X86_64_PC64 = 24;
  private static final int R_X86_64_GOTPCRELX = 41;
  private static final int R_X86_64_REX_GOTPCRELX = 42;

  private static final long STUB_BYTES = 16;
  private static final long JUMP_THROUGH_NEXT_WORD =
      0x25ff; // jmp *0(%rip), the address follows the instruction
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final Arena codePages = Arena.ofShared();
  private final Map<String, MemorySegment> symbols = new LinkedHashMap<>();

  private NativeCode() {}

  /// Loads an object as [the compiler makes them](ElfObject): position-independent, small code
  /// model.
  ///
  /// @throws dev.deepstack.tensor.MalformedModelException if the bytes are no such object, or
  /// need a symbol nobody has
  public static NativeCode load(byte[] elfObject) {
    var object = ElfObject.parse(elfObject);
    var code = new NativeCode();
    try {
      new Loading(object, code.codePages).finish(code.symbols);
    } catch (RuntimeException | Error e) {
      code.close();
      throw e;
    }
    return code;
  }

  /// The address of a function or object that the code exports, as a zero-length segment: it
  /// stays valid until [#close], which nobody but the owner of this object prevents (a check per
  /// call would cost more than the call).
  public MemorySegment symbol(String name) {
    var address = symbols.get(name);
    if (address == null) {
      throw new IllegalArgumentException(
          "The loaded code has no symbol '" + name + "', only " + symbols.keySet());
    }
    return address;
  }

  /// The names that [#symbol] knows.
  public List<String> symbolNames() {
    return List.copyOf(symbols.keySet());
  }

  /// Unmaps the code. No thread may be inside it.
  @Override
  public void close() {
    codePages.close();
  }

  /// How many bytes a relocation of this type changes.
  static int width(int type) {
    return switch (type) {
      case R_X86_64_64, R_X86_64_PC64 -> 8;
      case R_X86_64_PC32,
          R_X86_64_PLT32,
          R_X86_64_GOTPCREL,
          R_X86_64_GOTPCRELX,
          R_X86_64_REX_GOTPCRELX ->
          4;
      default -> throw ElfObject.malformed("relocation type " + type + " is not supported");
    };
  }

  /// One load in progress. The region is laid out as code, stubs | constants, offset table |
  /// data, each part on its own pages, and small enough that everything inside it reaches
  /// everything else with 32 bits.
  private static final class Loading {
    private final ElfObject object;
    private final long[] offsets;
    private final Map<Integer, Long> stubs = new HashMap<>();
    private final Map<Integer, Long> slots = new HashMap<>();
    private final MemorySegment region;
    private final long constantsStart;
    private final long dataStart;
    private final Map<String, Long> externals = new HashMap<>();

    Loading(ElfObject object, Arena arena) {
      this.object = object;
      offsets = new long[object.sections().size()];
      long end = place(Kind.CODE, 0);
      end = placeStubs(align(end, STUB_BYTES));
      constantsStart = LargeMemory.pages(end);
      end = place(Kind.CONSTANT, constantsStart);
      end = placeSlots(align(end, Long.BYTES));
      dataStart = LargeMemory.pages(end);
      end = place(Kind.DATA, dataStart);
      if (end > Integer.MAX_VALUE / 2) {
        throw ElfObject.malformed("its sections take " + end + " bytes");
      }
      region = LargeMemory.reserve(arena, Math.max(end, 1));
    }

    void finish(Map<String, MemorySegment> exported) {
      copySections();
      stubs.forEach(
          (symbol, at) -> {
            region.set(LONG, at, JUMP_THROUGH_NEXT_WORD);
            region.set(LONG, at + 6, address(symbol));
          });
      slots.forEach((symbol, at) -> region.set(LONG, at, address(symbol)));
      object.relocations().forEach(this::relocate);
      LargeMemory.protect(
          region.asSlice(0, constantsStart), LargeMemory.READ | LargeMemory.EXECUTE);
      LargeMemory.protect(
          region.asSlice(constantsStart, dataStart - constantsStart), LargeMemory.READ);
      for (Symbol symbol : object.symbols()) {
        if (symbol.visible() && loaded(symbol)) {
          exported.put(symbol.name(), MemorySegment.ofAddress(placed(symbol)));
        }
      }
    }

    private long place(Kind kind, long at) {
      for (int i = 0; i < offsets.length; i++) {
        Section section = object.sections().get(i);
        if (section.kind() == kind) {
          offsets[i] = align(at, section.alignment());
          at = offsets[i] + section.size();
        }
      }
      return at;
    }

    private long placeStubs(long at) {
      for (Relocation r : object.relocations()) {
        if (r.type() == R_X86_64_PLT32 && external(r.symbol()) && !stubs.containsKey(r.symbol())) {
          stubs.put(r.symbol(), at);
          at += STUB_BYTES;
        }
      }
      return at;
    }

    private long placeSlots(long at) {
      for (Relocation r : object.relocations()) {
        if (throughTable(r.type()) && !slots.containsKey(r.symbol())) {
          slots.put(r.symbol(), at);
          at += Long.BYTES;
        }
      }
      return at;
    }

    private void copySections() {
      for (int i = 0; i < offsets.length; i++) {
        Section section = object.sections().get(i);
        if (section.kind() != Kind.IGNORED && section.data().hasRemaining()) {
          region
              .asSlice(offsets[i], section.size())
              .copyFrom(MemorySegment.ofBuffer(section.data()));
        }
      }
    }

    private void relocate(Relocation r) {
      long at = offsets[r.section()] + r.offset();
      long place = region.address() + at;
      switch (r.type()) {
        case R_X86_64_64 -> region.set(LONG, at, address(r.symbol()) + r.addend());
        case R_X86_64_PC64 -> region.set(LONG, at, address(r.symbol()) + r.addend() - place);
        case R_X86_64_PC32 -> set32(at, address(r.symbol()) + r.addend() - place, r);
        case R_X86_64_PLT32 -> {
          var stub = stubs.get(r.symbol());
          long target = stub == null ? address(r.symbol()) : region.address() + stub;
          set32(at, target + r.addend() - place, r);
        }
        default -> {
          long slot = Objects.requireNonNull(slots.get(r.symbol()));
          set32(at, region.address() + slot + r.addend() - place, r);
        }
      }
    }

    private void set32(long at, long value, Relocation r) {
      if (value != (int) value) {
        var name = object.symbols().get(r.symbol()).name();
        throw ElfObject.malformed("'" + name + "' is out of reach for a 32-bit relocation");
      }
      region.set(INT, at, (int) value);
    }

    private long address(int index) {
      Symbol symbol = object.symbols().get(index);
      if (external(index)) {
        return externals.computeIfAbsent(symbol.name(), Loading::lookup);
      }
      if (!loaded(symbol)) {
        throw ElfObject.malformed(
            "it refers to '" + symbol.name() + "', which is in no loaded section");
      }
      return placed(symbol);
    }

    private static long lookup(String name) {
      SymbolLookup c = Linker.nativeLinker().defaultLookup();
      return c.find(name)
          .orElseThrow(
              () ->
                  ElfObject.malformed(
                      "it needs the function '" + name + "', which the C library lacks"))
          .address();
    }

    private boolean external(int index) {
      Symbol symbol = object.symbols().get(index);
      return symbol.section() == ElfObject.SHN_UNDEF && !symbol.name().isEmpty();
    }

    private boolean loaded(Symbol symbol) {
      return symbol.section() == ElfObject.SHN_ABS
          || symbol.section() != ElfObject.SHN_UNDEF
              && object.sections().get(symbol.section()).kind() != Kind.IGNORED;
    }

    private long placed(Symbol symbol) {
      return symbol.section() == ElfObject.SHN_ABS
          ? symbol.value()
          : region.address() + offsets[symbol.section()] + symbol.value();
    }

    private static boolean throughTable(int type) {
      return switch (type) {
        case R_X86_64_GOTPCREL, R_X86_64_GOTPCRELX, R_X86_64_REX_GOTPCRELX -> true;
        default -> false;
      };
    }

    private static long align(long offset, long alignment) {
      return (offset + alignment - 1) & -alignment;
    }
  }
}
