package dev.deepstack.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicInteger;

/// A hub on this machine that has the faults a test asks for.
final class FaultyHub implements AutoCloseable {
  /// What happens to requests for files.
  record Faults(int dropAfterBytes, boolean ignoresRange, long claimsExtraBytes, boolean extraBytes, boolean wrongRange,
      List<Integer> statuses, boolean changes, boolean silent) {
    static Faults none() {
      return new Faults(0, false, 0, false, false, List.of(), false, false);
    }

    static Faults dropping(int bytes, boolean ignoresRange) {
      return new Faults(bytes, ignoresRange, 0, false, false, List.of(), false, false);
    }

    static Faults answering(Integer... statuses) {
      return new Faults(0, false, 0, false, false, List.of(statuses), false, false);
    }
  }

  record Request(String path, String range, String authorization) {}

  final Map<String, byte[]> files = new LinkedHashMap<>();
  /// Each page of the listing names another one, of so many.
  volatile String next = "";
  volatile int pages = 1;
  final Map<String, String> listed = new LinkedHashMap<>();
  final List<Request> requests = new CopyOnWriteArrayList<>();
  final AtomicInteger count = new AtomicInteger();
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  volatile Faults faults = Faults.none();
  volatile String redirect = "";
  volatile String listing = "";
  volatile String token = "";

  FaultyHub() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /// Adds a file; the listing has its SHA-256.
  void add(String path, byte[] bytes) {
    files.put(path, bytes);
    listed.put(path, """
        {"type":"file","oid":"%s","size":%d,"path":"%s","lfs":{"oid":"%s","size":%d,"pointerSize":130}}"""
        .formatted("0".repeat(40), 130, path, hex("SHA-256", bytes), bytes.length));
  }

  static String hex(String algorithm, byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = URLDecoder.decode(exchange.getRequestURI().getRawPath(), StandardCharsets.UTF_8);
      String range = exchange.getRequestHeaders().getFirst("Range");
      String authorization = exchange.getRequestHeaders().getFirst("Authorization");
      requests.add(new Request(path, range == null ? "" : range, authorization == null ? "" : authorization));
      if (!token.isEmpty() && !("Bearer " + token).equals(authorization)) {
        exchange.sendResponseHeaders(401, -1);
      } else if (path.startsWith("/api/v1/")) {
        modelScope(exchange, path, range);
      } else if (path.startsWith("/api/")) {
        if (!next.isEmpty()) {
          exchange.getResponseHeaders().set("Link", "<" + next + requests.size() % pages + ">; rel=\"next\"");
        }
        send(exchange, (listing.isEmpty() ? "[" + String.join(",", listed.values()) + "]" : listing).getBytes(
            StandardCharsets.UTF_8));
      } else if (!redirect.isEmpty()) {
        exchange.getResponseHeaders().set("Location", redirect + path);
        exchange.sendResponseHeaders(302, -1);
      } else {
        file(exchange, path.replaceFirst("^/[^/]+/[^/]+/resolve/[^/]+/", ""), range);
      }
    }
  }

  private void modelScope(HttpExchange exchange, String path, String range) throws IOException {
    if (path.endsWith("/files")) {
      var entries = files.entrySet().stream().map(f -> """
          {"Path":"%s","Type":"blob","Size":%d,"Sha256":"%s"}""".formatted(f.getKey(), f.getValue().length,
          hex("SHA-256", f.getValue()))).toList();
      send(exchange, ("{\"Code\":200,\"Data\":{\"Files\":[" + String.join(",", entries) + "]}}").getBytes(
          StandardCharsets.UTF_8));
    } else {
      file(exchange, exchange.getRequestURI().getQuery().replaceFirst(".*FilePath=", ""), range);
    }
  }

  private static void send(HttpExchange exchange, byte[] bytes) throws IOException {
    exchange.sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private void file(HttpExchange exchange, String path, String range) throws IOException {
    int number = count.getAndIncrement();
    byte[] bytes = files.get(path);
    if (number < faults.statuses.size()) {
      exchange.sendResponseHeaders(faults.statuses.get(number), -1);
      return;
    }
    if (bytes == null) {
      exchange.sendResponseHeaders(404, -1);
      return;
    }
    int from = 0;
    int to = bytes.length;
    boolean part = range != null && !faults.ignoresRange;
    if (part) {
      String[] ends = range.substring("bytes=".length()).split("-");
      from = Integer.parseInt(ends[0]);
      to = Math.min(to, Integer.parseInt(ends[1]) + 1);
      int said = faults.wrongRange ? from + 1 : from;
      exchange.getResponseHeaders().set("Content-Range", "bytes " + said + "-" + (to - 1) + "/" + bytes.length);
    }
    exchange.getResponseHeaders().set("ETag", faults.changes ? "\"" + number + "\"" : "\"v1\"");
    byte[] body = Arrays.copyOfRange(bytes, from, to);
    int length = faults.extraBytes ? 0 : body.length;
    exchange.sendResponseHeaders(part ? 206 : 200, length + faults.claimsExtraBytes == 0 && !faults.extraBytes ? -1
        : length + faults.claimsExtraBytes);
    if (faults.silent) {
      exchange.getResponseBody().flush();
      try {
        Thread.sleep(10_000);
      } catch (InterruptedException _) {
        return;
      }
    }
    int drop = faults.dropAfterBytes;
    exchange.getResponseBody().write(body, 0, drop > 0 ? Math.min(drop, body.length) : body.length);
    if (faults.extraBytes) {
      exchange.getResponseBody().write(new byte[1000]);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
