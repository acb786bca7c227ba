package dev.deepstack.importer.pt2;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads the pickle of `torch.save` as data. Nothing is ever called or loaded.
///
/// About 30 opcodes are known, and of globals only the ones [TorchGlobals] lists; anything else is refused by
/// name. Values are null, `Boolean`, `Long`, `Double`, `String`, `List` (lists and tuples), `Map` (dicts) and
/// the records of [TorchGlobals].
final class TorchPickle {
  private static final int PICKLE_BYTES_MAX = 64 << 20;
  private static final int CONTAINERS_MAX = 2_000_000;
  private static final int GLOBAL_CHARS_MAX = 256;
  private static final int PROTOCOL_MAX = 2;

  /// The object below the items of an open list, dict or tuple.
  private record Mark() {}

  private final MemorySegment bytes;
  private final TorchGlobals globals;
  private final Place place;
  private final ArrayList<@Nullable Object> stack = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();
  private long at;
  private int containers;

  private TorchPickle(MemorySegment bytes, TorchGlobals globals, Place place) {
    this.bytes = bytes;
    this.globals = globals;
    this.place = place;
  }

  /// The one object of the pickle.
  static @Nullable Object read(MemorySegment bytes, TorchGlobals globals, Place place) {
    if (bytes.byteSize() > PICKLE_BYTES_MAX) {
      throw place.malformed("a pickle of " + bytes.byteSize() + " bytes is longer than any list of tensors");
    }
    return new TorchPickle(bytes, globals, place).run();
  }

  private @Nullable Object run() {
    while (true) {
      int opcode = u8();
      if (opcode == '.') {
        var result = pop();
        if (!stack.isEmpty()) {
          throw place.malformed("the pickle ends with values left over");
        }
        return result;
      }
      step(opcode);
    }
  }

  private void step(int opcode) {
    switch (opcode) {
      case 0x80 -> protocol();
      case '}' -> push(container(new LinkedHashMap<>()));
      case ']' -> push(container(new ArrayList<>()));
      case ')' -> push(List.of());
      case '(' -> push(new Mark());
      case 'N' -> push(null);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'K' -> push((long) u8());
      case 'M' -> push((long) (u8() | u8() << 8));
      case 'J' -> push((long) (int) u32());
      case 0x8a -> push(longInteger());
      case 'G' -> push(bytes.get(ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), take(8)));
      case 'X' -> push(text(u32()));
      case 'q' -> remember(u8());
      case 'r' -> remember(u32());
      case 'h' -> push(recall(u8()));
      case 'j' -> push(recall(u32()));
      case 't' -> push(tuple(toMark()));
      case 0x85 -> push(tuple(top(1)));
      case 0x86 -> push(tuple(top(2)));
      case 0x87 -> push(tuple(top(3)));
      case 'a' -> append(top(1));
      case 'e' -> append(toMark());
      case 's' -> put(top(2));
      case 'u' -> put(toMark());
      case 'c' -> push(globals.global(line(), line()));
      case 'R' -> reduce();
      case 'Q' -> push(globals.storage(pop()));
      default -> throw place.malformed("the pickle uses opcode " + opcode
          + ", which can run code and is never needed for tensors");
    }
  }

  private void protocol() {
    int version = u8();
    if (version > PROTOCOL_MAX) {
      throw place.malformed("the pickle has protocol " + version + " where torch writes " + PROTOCOL_MAX);
    }
  }

  private void reduce() {
    var arguments = pop();
    if (!(arguments instanceof List<?> list)) {
      throw place.malformed("the pickle applies something to no tuple");
    }
    push(globals.reduce(pop(), list));
  }

  private long longInteger() {
    int length = u8();
    if (length > 8) {
      throw place.malformed("the pickle holds an integer of more than 64 bits");
    }
    long value = 0;
    long from = take(length);
    for (int i = length - 1; i >= 0; i--) {
      byte b = bytes.get(ValueLayout.JAVA_BYTE, from + i);
      value = i == length - 1 ? b : value << 8 | b & 0xff;
    }
    return value;
  }

  private String text(long length) {
    return new String(bytes.asSlice(take(length), length).toArray(ValueLayout.JAVA_BYTE),
        StandardCharsets.UTF_8);
  }

  private String line() {
    long start = at;
    while (u8() != '\n') {
      if (at - start > GLOBAL_CHARS_MAX) {
        throw place.malformed("the pickle names something in more than " + GLOBAL_CHARS_MAX + " characters");
      }
    }
    long length = at - start - 1;
    return new String(bytes.asSlice(start, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  private void append(List<@Nullable Object> items) {
    if (stack.isEmpty() || !(stack.getLast() instanceof ArrayList<?> last)) {
      throw place.malformed("the pickle appends to no list");
    }
    @SuppressWarnings("unchecked") // every list in the machine was made as one of objects
    var list = (ArrayList<@Nullable Object>) last;
    list.addAll(items);
  }

  private void put(List<@Nullable Object> items) {
    if (stack.isEmpty() || !(stack.getLast() instanceof LinkedHashMap<?, ?> last) || items.size() % 2 != 0) {
      throw place.malformed("the pickle sets items of no dict");
    }
    @SuppressWarnings("unchecked") // every map in the machine was made as one of objects
    var map = (LinkedHashMap<@Nullable Object, @Nullable Object>) last;
    for (int i = 0; i < items.size(); i += 2) {
      var key = items.get(i);
      // Hashing a container could take forever.
      if (!(key instanceof String || key instanceof Long || key instanceof Boolean)) {
        throw place.malformed("the pickle uses something else than text or a number as a key");
      }
      map.put(key, items.get(i + 1));
    }
  }

  private List<@Nullable Object> toMark() {
    int mark = stack.size() - 1;
    while (mark >= 0 && !(stack.get(mark) instanceof Mark)) {
      mark--;
    }
    if (mark < 0) {
      throw place.malformed("the pickle ends a list that never began");
    }
    var items = top(stack.size() - 1 - mark);
    stack.removeLast();
    return items;
  }

  private List<@Nullable Object> top(int count) {
    if (stack.size() < count) {
      throw place.malformed("the pickle takes values that are not there");
    }
    var tail = stack.subList(stack.size() - count, stack.size());
    List<@Nullable Object> items = new ArrayList<@Nullable Object>(tail);
    if (items.stream().anyMatch(Mark.class::isInstance)) {
      throw place.malformed("the pickle takes a mark for a value");
    }
    tail.clear();
    return items;
  }

  private List<@Nullable Object> tuple(List<@Nullable Object> items) {
    container(items);
    return Collections.<@Nullable Object>unmodifiableList(items);
  }

  private <T> T container(T made) {
    if (++containers > CONTAINERS_MAX) {
      throw place.malformed("the pickle makes more than " + CONTAINERS_MAX + " lists and dicts");
    }
    return made;
  }

  private void push(@Nullable Object value) {
    stack.add(value);
  }

  private @Nullable Object pop() {
    return top(1).getFirst();
  }

  private void remember(long key) {
    if (stack.isEmpty() || stack.getLast() == null || stack.getLast() instanceof Mark) {
      throw place.malformed("the pickle remembers a value that is not there");
    }
    memo.put(key, stack.getLast());
  }

  private Object recall(long key) {
    var value = memo.get(key);
    if (value == null) {
      throw place.malformed("the pickle recalls value " + key + ", which it never stored");
    }
    return value;
  }

  private int u8() {
    return bytes.get(ValueLayout.JAVA_BYTE, take(1)) & 0xff;
  }

  private long u32() {
    var layout = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    return Integer.toUnsignedLong(bytes.get(layout, take(4)));
  }

  private long take(long count) {
    long from = at;
    if (count > bytes.byteSize() - from) {
      throw place.malformed("the pickle ends too early");
    }
    at = from + count;
    return from;
  }
}
