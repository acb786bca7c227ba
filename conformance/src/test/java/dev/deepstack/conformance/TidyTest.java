package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class TidyTest {
  private static final Pattern OWN_DEPENDENCY = Pattern.compile(
      "<dependency>\\s*<groupId>dev\\.deepstack</groupId>\\s*<artifactId>deepstack-(\\w+)</artifactId>"
          + "\\s*<version>[^<]*</version>\\s*(<scope>test</scope>)?");

  @Test
  void filesAreTidy() {
    assertThat(Tidy.all()).isEmpty();
  }

  @Test
  void everyPackageIsNullMarked() {
    var problems = new ArrayList<String>();
    for (var module : Checkout.modules()) {
      var sources = Checkout.filesBelow(Checkout.ROOT.resolve(module).resolve("src/main/java"));
      problems.addAll(unmarkedPackages(sources));
    }
    assertThat(problems).as("packages without a package-info.java that says @NullMarked").isEmpty();
  }

  @Test
  void everyRoomHasItsFiles() {
    for (var module : Checkout.modules()) {
      assertThat(Checkout.ROOT.resolve(module).resolve("pom.xml")).exists();
      if (!module.equals("conformance")) {
        assertThat(Checkout.ROOT.resolve(module).resolve("src/main/java/module-info.java")).exists();
      }
    }
  }

  @Test
  void buildFilesFollowTheTable() {
    Rooms.MAY_IMPORT.forEach((room, allowed) -> {
      var needed = OWN_DEPENDENCY.matcher(Checkout.read(room + "/pom.xml")).results()
          .filter(m -> m.group(2) == null).map(m -> m.group(1)).toList();
      assertThat(needed).as("rooms that " + room + "/pom.xml depends on").isSubsetOf(allowed);
    });
  }

  @Test
  void everyGoldenIsCheckedByATest() {
    for (var module : Checkout.modules()) {
      var tests = Checkout.ROOT.resolve(module).resolve("src/test");
      var goldens = Checkout.filesBelow(tests.resolve("resources/golden"));
      if (!goldens.isEmpty()) {
        var sources = new StringBuilder();
        Checkout.filesBelow(tests.resolve("java")).forEach(path -> sources.append(Checkout.read(path)));
        assertThat(orphans(module, goldens, sources.toString())).as("goldens that no test names").isEmpty();
      }
    }
  }

  /// A service is declared by the room that uses it, in both places where Java looks for one.
  @Test
  void servicesAreDeclaredTwice() {
    for (var module : Checkout.modules()) {
      var folder = Checkout.ROOT.resolve(module).resolve("src/main/resources/META-INF/services");
      for (var path : Checkout.filesBelow(folder)) {
        var port = path.substring(path.lastIndexOf('/') + 1);
        if (port.startsWith("dev.deepstack.")) {
          var user = port.split("\\.")[2];
          assertThat(Checkout.read(module + "/src/main/java/module-info.java")).contains("provides " + port);
          assertThat(Checkout.read(user + "/src/main/java/module-info.java")).contains("uses " + port);
        }
      }
    }
  }

  @Test
  void theTestCommandIsOne() {
    assertThat(Checkout.read(".ci/run")).contains("exec ./mvnw verify\n");
    if (Files.exists(Checkout.ROOT.resolve("README.md"))) {
      assertThat(Checkout.read("README.md")).contains("./mvnw verify");
    }
  }

  @Test
  void plantedLongFileIsFound() {
    assertThat(Tidy.problems("a/A.java", "// x\n".repeat(401))).singleElement().asString().contains("401 lines");
    assertThat(Tidy.problems("a/A.java", "// x\n".repeat(400))).isEmpty();
    assertThat(Tidy.problems("ir/src/main/java/dev/deepstack/ir/Op.java", "// x\n".repeat(900))).isEmpty();
  }

  @Test
  void plantedWideLineIsFound() {
    assertThat(Tidy.problems("a/A.java", "x".repeat(121))).singleElement().asString().contains("a/A.java:1");
    assertThat(Tidy.problems("a/A.java", "x".repeat(120))).isEmpty();
    assertThat(Tidy.problems("a/A.md", "x".repeat(121))).isEmpty();
  }

  @Test
  void plantedWordsAreFound() {
    for (var line : List.of("a ses" + "sion", "// TO" + "DO later", "FIX" + "ME", "/wo" + "rk/x", "x/.lib" + "rary",
        "https://repo1.maven.or" + "g/x", "an ag" + "ent", "https://pypi.or" + "g/simple")) {
      assertThat(Tidy.problems("README.md", line)).as(line).hasSize(1);
    }
    assertThat(Tidy.problems("README.md", "obses" + "sion, reag" + "ent, framework/x")).isEmpty();
  }

  @Test
  void plantedLongMethodIsFound() {
    var body = "    int x = f(\"{\"); // }\n".repeat(70);
    assertThat(Tidy.problems("a/A.java", "class A {\n  void f(int a) throws E {\n" + body + "  }\n}\n"))
        .singleElement().asString().contains("a/A.java:2").contains("72 lines");
    var loop = "class A {\n  A() {}\n  static {\n    for (int i = 0; i < 3; i++) {\n" + body + "    }\n  }\n}\n";
    assertThat(Tidy.problems("a/A.java", loop)).isEmpty();
    var table = "class A {\n  int f(Op o) {\n    return switch (o) {\n"
        + "      case A a -> 1;\n".repeat(90) + "    };\n  }\n}\n";
    assertThat(Tidy.problems("a/A.java", table)).isEmpty();
  }

  @Test
  void plantedOrphanIsFound() {
    var goldens = List.of("m/src/test/resources/golden/a/one.ir", "m/src/test/resources/golden/two.ir");
    assertThat(orphans("m", goldens, "check(\"a/\" + name)")).containsExactly(goldens.get(1));
    assertThat(orphans("m", goldens, "\"one\" \"two.ir\"")).isEmpty();
  }

  @Test
  void plantedUnmarkedPackageIsFound() {
    assertThat(unmarkedPackages(List.of("x/src/main/java/module-info.java", "x/src/main/java/p/A.java")))
        .containsExactly("x/src/main/java/p");
  }

  /// A golden counts as used when a string of the tests starts with its name, or with the folder it is in.
  private static List<String> orphans(String module, List<String> goldens, String tests) {
    return goldens.stream().filter(path -> {
      var name = path.substring((module + "/src/test/resources/golden/").length());
      int slash = name.lastIndexOf('/');
      var file = name.substring(slash + 1);
      var stem = file.contains(".") ? file.substring(0, file.lastIndexOf('.')) : file;
      boolean named = tests.contains("\"" + stem) || tests.contains("/" + stem);
      return !named && (slash < 0 || !tests.contains("\"" + name.substring(0, slash + 1)));
    }).toList();
  }

  private static List<String> unmarkedPackages(List<String> sources) {
    var folders = new TreeSet<String>();
    for (var path : sources) {
      if (path.endsWith(".java") && !path.endsWith("/module-info.java")) {
        folders.add(path.substring(0, path.lastIndexOf('/')));
      }
    }
    folders.removeIf(folder -> {
      var marker = folder + "/package-info.java";
      return sources.contains(marker) && Checkout.read(marker).contains("NullMarked");
    });
    return List.copyOf(folders);
  }
}
