package dev.deepstack.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

final class PullCommandTest {
  private static final String LIST = """
      [{"type":"directory","path":"sub"},
       {"type":"file","oid":"ce013625030ba8dba906f756967f9e9ca394464a","size":6,"path":"sub/notes.txt"}]""";

  @TempDir
  private Path folder;

  private HttpServer server;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", exchange -> {
      String path = exchange.getRequestURI().getPath();
      byte[] body = (path.startsWith("/api/models/a/b/tree/") ? LIST : "hello\n").getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(path.contains("/a/b/") ? 200 : 404, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private int pull(String... args) {
    var all = new java.util.ArrayList<>(java.util.List.of("pull", "--url",
        "http://127.0.0.1:" + server.getAddress().getPort(), "--output", folder.resolve("b").toString()));
    all.addAll(java.util.List.of(args));
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return Main.execute(new PrintWriter(out), new PrintWriter(err, true), all.toArray(String[]::new));
  }

  @Test
  void fetchesAndReports() {
    assertThat(pull("a/b", "--file", "sub/*", "--json")).isZero();
    assertThat(folder.resolve("b/sub/notes.txt")).hasContent("hello\n");
    var report = JsonMapper.shared().readTree(out.toString());
    assertThat(report.path("bytes").asLong()).isEqualTo(6);
    assertThat(report.path("files").path(0).path("fetched").asBoolean()).isTrue();
    assertThat(pull("a/b", "--file", "sub/notes.txt")).isZero();
    assertThat(out.toString()).contains("all there before");
  }

  @Test
  void refusesInOneSentence() {
    for (String model : new String[] {"a/c", "a/b", "nonsense"}) {
      assertThat(pull(model)).isEqualTo(1);
      assertThat(err.toString().lines()).singleElement().asString().startsWith("deepstack: ");
    }
  }
}
