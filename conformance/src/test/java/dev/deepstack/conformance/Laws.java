package dev.deepstack.conformance;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchRule;
import java.lang.foreign.Arena;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// The rules about who knows whom, for the rooms below any root package, so that they can be tried on planted
/// violations as well as on DeepStack.
final class Laws {
  private final String root;

  Laws(String root) {
    this.root = root;
  }

  /// All rules by name.
  Map<String, ArchRule> all() {
    var rules = new LinkedHashMap<String, ArchRule>();
    new TreeMap<>(Rooms.MAY_IMPORT).forEach((room, allowed) -> rules.put("imports of " + room, imports(room, allowed)));
    rules.put("the waist", theWaist());
    rules.put("the waist, seen from the run side", theWaistFromBelow());
    rules.put("targets are strangers", targetsAreStrangers());
    rules.put("tile knows no target", tileKnowsNoTarget());
    rules.put("no drawers", noDrawers());
    rules.put("arenas have owners", arenasHaveOwners());
    rules.put("the runtime is given its clock", theRuntimeIsGivenItsClock());
    rules.put("no static mutable state", noStaticMutableState());
    return rules;
  }

  private ArchRule imports(String room, Set<String> allowed) {
    return noClasses().that(are(in(Set.of(room))))
        .should().dependOnClassesThat(describe("belong to a room other than " + allowed, c -> {
          var other = roomOf(c);
          return other != null && !other.equals(room) && !allowed.contains(other);
        }))
        .allowEmptyShould(true)
        .because("the table in ARCHITECTURE.md says so");
  }

  private ArchRule theWaist() {
    return noClasses().that(are(in(Rooms.COMPILE_SIDE)))
        .should().dependOnClassesThat(describe("belong to the run side and are no port",
            c -> in(Rooms.RUN_SIDE).test(c) && !isPort(c)))
        .allowEmptyShould(true)
        .because("compile side and run side share only tensor and program");
  }

  private ArchRule theWaistFromBelow() {
    return noClasses().that(are(in(Rooms.RUN_SIDE)))
        .should().dependOnClassesThat(are(in(Rooms.COMPILE_SIDE)))
        .allowEmptyShould(true)
        .because("a compiled program runs where no compiler is");
  }

  private ArchRule targetsAreStrangers() {
    return noClasses().that(describe("belong to a target", c -> target(c) != null))
        .should(new NeverMeet(this::target))
        .allowEmptyShould(true)
        .because("what two targets need belongs in codegen.tile");
  }

  private ArchRule tileKnowsNoTarget() {
    return noClasses().that().resideInAPackage(root + ".codegen.tile..")
        .should().dependOnClassesThat(describe("belong to a target", c -> target(c) != null))
        .allowEmptyShould(true);
  }

  private ArchRule noDrawers() {
    return noClasses().should()
        .resideInAnyPackage(root + "..util..", root + "..utils..", root + "..common..", root + "..helpers..",
            root + "..helper..", root + "..misc..")
        .allowEmptyShould(true)
        .because("a package is named after what it holds");
  }

  private ArchRule arenasHaveOwners() {
    return noClasses().should().accessTargetWhere(calls(Arena.class, Set.of("global", "ofAuto")))
        .allowEmptyShould(true)
        .because("native memory is freed when its owner closes, not some day or never");
  }

  private ArchRule theRuntimeIsGivenItsClock() {
    return noClasses().that(are(in(Set.of("runtime"))))
        .should().accessTargetWhere(calls(System.class, Set.of("nanoTime", "currentTimeMillis")))
        .allowEmptyShould(true)
        .because("time enters through an interface, so that tests own it");
  }

  private ArchRule noStaticMutableState() {
    return noFields().that().areStatic().and().doNotHaveModifier(JavaModifier.SYNTHETIC)
        .should().notBeFinal()
        .allowEmptyShould(true)
        .because("two models in one process must not meet in a static field");
  }

  private DescribedPredicate<JavaClass> in(Collection<String> rooms) {
    return describe("in " + rooms, c -> {
      var room = roomOf(c);
      return room != null && rooms.contains(room);
    });
  }

  private static DescribedPredicate<JavaClass> are(DescribedPredicate<JavaClass> predicate) {
    return predicate.as("are %s", predicate.getDescription());
  }

  private static DescribedPredicate<JavaAccess<?>> calls(Class<?> owner, Set<String> methods) {
    return describe("calls " + owner.getSimpleName() + " " + methods,
        access -> access.getTargetOwner().isEquivalentTo(owner) && methods.contains(access.getTarget().getName()));
  }

  private boolean isPort(JavaClass type) {
    return Rooms.PORTS.stream().map(port -> root + "." + port)
        .anyMatch(port -> type.getName().equals(port) || type.getName().startsWith(port + "$"));
  }

  /// The room a class lives in, or null for one that is not below the root.
  String roomOf(JavaClass type) {
    return segment(type, root + ".");
  }

  /// The target a class of `codegen` belongs to, or null.
  private String target(JavaClass type) {
    var target = segment(type, root + ".codegen.");
    return "tile".equals(target) ? null : target;
  }

  private static String segment(JavaClass type, String prefix) {
    var name = type.getPackageName() + ".";
    return name.startsWith(prefix) && name.length() > prefix.length()
        ? name.substring(prefix.length(), name.indexOf('.', prefix.length()))
        : null;
  }
}
