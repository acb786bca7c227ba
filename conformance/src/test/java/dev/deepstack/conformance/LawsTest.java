package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class LawsTest {
  private static final String PLANTED = "dev.deepstack.conformance.planted";

  /// What each planted class breaks. Together they show that no law is a law on paper only.
  private static final Map<String, String> BROKEN_BY = Map.ofEntries(
      Map.entry("imports of ir", "planted.ir.KnowsPasses"),
      Map.entry("imports of compiler", "planted.compiler.KnowsRuntime"),
      Map.entry("the waist", "planted.compiler.KnowsRuntime"),
      Map.entry("the waist, seen from the run side", "planted.runtime.KnowsImporter"),
      Map.entry("targets are strangers", "planted.codegen.llvm.KnowsAscend"),
      Map.entry("tile knows no target", "planted.codegen.tile.KnowsLlvm"),
      Map.entry("no drawers", "planted.util.Drawer"),
      Map.entry("arenas have owners", "planted.ir.KnowsPasses"),
      Map.entry("the runtime is given its clock", "planted.runtime.KnowsImporter"),
      Map.entry("no static mutable state", "planted.util.Drawer"));

  @TestFactory
  Stream<DynamicTest> hold() {
    JavaClasses classes = new ClassFileImporter()
        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
        .importPackages("dev.deepstack");
    return new Laws("dev.deepstack").all().entrySet().stream()
        .map(law -> DynamicTest.dynamicTest(law.getKey(), () -> law.getValue().check(classes)));
  }

  @TestFactory
  Stream<DynamicTest> failOnPlantedViolations() {
    JavaClasses classes = new ClassFileImporter().importPackages(PLANTED);
    var laws = new Laws(PLANTED).all();
    return BROKEN_BY.entrySet().stream().map(e -> DynamicTest.dynamicTest(e.getKey(), () -> {
      var law = laws.get(e.getKey());
      assertThat(law).as("a law of this name").isNotNull();
      assertThat(law.evaluate(classes).getFailureReport().toString()).contains(e.getValue());
    }));
  }

  @Test
  void aPortMayBeImplemented() {
    JavaClasses classes = new ClassFileImporter().importPackages(PLANTED);
    var report = new Laws(PLANTED).all().get("the waist").evaluate(classes).getFailureReport();
    assertThat(report.toString()).doesNotContain("ImplementsPort");
  }

  @Test
  void everyRoomIsInTheTable() {
    var known = new TreeSet<>(Rooms.MAY_IMPORT.keySet());
    known.add("conformance");
    known.add("bench");
    assertThat(Checkout.modules()).isSubsetOf(known);
  }
}
