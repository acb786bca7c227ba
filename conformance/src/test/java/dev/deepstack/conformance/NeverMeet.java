package dev.deepstack.conformance;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.function.Function;

/// Depending on a class of another group. A class belongs to the group the function names, or to none (null).
final class NeverMeet extends ArchCondition<JavaClass> {
  private final Function<JavaClass, String> groupOf;

  NeverMeet(Function<JavaClass, String> groupOf) {
    super("depend on a class of another group");
    this.groupOf = groupOf;
  }

  @Override
  public void check(JavaClass type, ConditionEvents events) {
    var own = groupOf.apply(type);
    for (var dependency : type.getDirectDependenciesFromSelf()) {
      var other = groupOf.apply(dependency.getTargetClass());
      if (other != null && !other.equals(own)) {
        events.add(SimpleConditionEvent.satisfied(dependency, dependency.getDescription()));
      }
    }
  }
}
