package dev.deepstack.ir;

import java.lang.invoke.MethodHandles;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What the record declaration of an op says, read once: its name in text, operands and attributes.
///
/// @param name snake-case name of the record: `MatMul` is `mat_mul`
public record OpSchema(String name, Class<? extends Op> type, List<Component> components, Constructor<?> constructor) {
  /// One record component; operands are those of type `Value` or `List<Value>`.
  public record Component(String name, java.lang.reflect.Type type, RecordComponent accessor) {
    boolean isOperand() {
      return accessor.getType() == Value.class;
    }

    boolean isOperandList() {
      return accessor.getType() == List.class && type.getTypeName().contains("ir.Value");
    }

    @Nullable Object of(Op op) {
      try {
        return accessor.getAccessor().invoke(op);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static final Map<String, OpSchema> BY_NAME = new LinkedHashMap<>();
  private static final ClassValue<OpSchema> BY_TYPE = new ClassValue<>() {
    @Override
    protected OpSchema computeValue(Class<?> type) {
      return read(type.asSubclass(Op.class));
    }
  };

  static {
    leaves(Op.class).forEach(c -> BY_NAME.put(snake(c.getSimpleName()), BY_TYPE.get(c)));
  }

  /// All ops of the opset, in the order of their declaration.
  public static List<OpSchema> all() {
    return List.copyOf(BY_NAME.values());
  }

  /// The schema with this text name, or null.
  public static @Nullable OpSchema named(String name) {
    return BY_NAME.get(name);
  }

  public static OpSchema of(Op op) {
    return BY_TYPE.get(op.getClass());
  }

  public static String name(Op op) {
    return of(op).name;
  }

  /// The operands that are there, in order, lists flattened.
  public static List<Value> operands(Op op) {
    var operands = new ArrayList<Value>();
    for (Component c : of(op).components) {
      if (c.isOperand()) {
        if (c.of(op) instanceof Value v) {
          operands.add(v);
        }
      } else if (c.isOperandList()) {
        ((List<?>) java.util.Objects.requireNonNull(c.of(op))).forEach(v -> operands.add((Value) v));
      }
    }
    return operands;
  }

  /// The op with every operand replaced.
  public static Op map(Op op, UnaryOperator<Value> replacement) {
    return rebuild(op, (c, old) -> c.isOperand() && old != null
        ? replacement.apply((Value) old)
        : c.isOperandList() && old != null
            ? ((List<?>) old).stream().map(v -> replacement.apply((Value) v)).toList()
            : old);
  }

  /// The op with every attribute replaced; the operands stay.
  static Op mapAttributes(Op op, Replacement replacement) {
    return rebuild(op, (c, old) -> c.isOperand() || c.isOperandList() ? old : replacement.of(old));
  }

  /// From an attribute to what replaces it.
  @FunctionalInterface
  interface Replacement {
    @Nullable Object of(@Nullable Object attribute);
  }

  private interface ComponentReplacement {
    @Nullable Object of(Component component, @Nullable Object old);
  }

  private static Op rebuild(Op op, ComponentReplacement replacement) {
    var schema = of(op);
    var arguments = new @Nullable Object[schema.components.size()];
    for (int i = 0; i < arguments.length; i++) {
      Component c = schema.components.get(i);
      arguments[i] = replacement.of(c, c.of(op));
    }
    return schema.make(arguments);
  }

  Op make(@Nullable Object... arguments) {
    try {
      return (Op) constructor.newInstance(arguments);
    } catch (java.lang.reflect.InvocationTargetException e) {
      throw new IrException(name + ": " + e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static OpSchema read(Class<? extends Op> type) {
    try {
      var lookup = MethodHandles.lookup();
      RecordComponent[] components = type.getRecordComponents();
      Class<?>[] types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      lookup.ensureInitialized(type);
      return new OpSchema(snake(type.getSimpleName()), type,
          Arrays.stream(components).map(c -> new Component(c.getName(), c.getGenericType(), c)).toList(),
          type.getDeclaredConstructor(types));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Stream<Class<?>> leaves(Class<?> type) {
    return type.isRecord() ? Stream.of(type)
        : Arrays.stream(type.getPermittedSubclasses()).flatMap(OpSchema::leaves);
  }

  private static String snake(String name) {
    return name.replaceAll("(?<=.)([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }
}
