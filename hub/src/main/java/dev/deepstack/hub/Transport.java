package dev.deepstack.hub;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Requests to a hub and to where it sends us, one attempt each. Redirects are followed here, so that the token stays
/// with the hub.
final class Transport implements AutoCloseable {
  private static final int REDIRECTS_MAX = 10;

  private final Hub hub;
  private final Duration silence;
  private final HttpClient client;

  Transport(Hub hub, Duration silence) {
    this.hub = hub;
    this.silence = silence;
    // One connection per range: ranges that share one would also share its speed.
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
        .proxy(new Proxies(hub.environment()))
        .followRedirects(HttpClient.Redirect.NEVER).connectTimeout(silence).build();
  }

  /// A failure that may pass: the server is busy or broken.
  static final class Busy extends IOException {
    private static final long serialVersionUID = 1;
    private final Duration wait;

    Busy(int status, Duration wait) {
      super("the server answers with error " + status);
      this.wait = wait;
    }

    Duration pause() {
      return wait;
    }
  }

  /// An answer with content.
  ///
  /// @param linked the checksum that the hub itself named before it sent us elsewhere, or null
  record Answer(HttpResponse<InputStream> response, @Nullable String linked, Watch body) implements AutoCloseable {
    boolean isPart() {
      return response.statusCode() == 206;
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }

    @Override
    public void close() throws IOException {
      body.close();
    }
  }

  /// @param what is asked for, for error messages
  /// @throws IOException when another attempt may succeed
  /// @throws InvalidInputException when none will
  Answer get(URI address, String what, Map<String, String> headers) throws IOException, InterruptedException {
    URI at = address;
    String linked = null;
    for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
      var request = HttpRequest.newBuilder(at).timeout(silence);
      headers.forEach(request::header);
      String token = hub.token();
      if (token != null && hub.trusts(at)) {
        request.header("Authorization", "Bearer " + token);
      }
      HttpResponse<InputStream> response = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
      linked = linked != null ? linked : response.headers().firstValue("X-Linked-Etag").orElse(null);
      int status = response.statusCode();
      if (status == 200 || status == 206) {
        return new Answer(response, linked, new Watch(response.body(), silence));
      }
      response.body().close();
      if (status < 300 || status >= 400) {
        throw refused(status, what, response);
      }
      at = next(at, what, response);
    }
    throw new MalformedModelException("the hub sends requests for " + what
        + " in circles; try another address (--url)");
  }

  private static URI next(URI at, String what, HttpResponse<?> response) {
    String location = response.headers().firstValue("Location").orElse("");
    URI next;
    try {
      next = at.resolve(location);
    } catch (IllegalArgumentException e) {
      throw new MalformedModelException("the hub sends requests for " + what + " to a place that is no address", e);
    }
    boolean weaker = "https".equalsIgnoreCase(at.getScheme()) && "http".equalsIgnoreCase(next.getScheme());
    if (location.isEmpty() || weaker || !Hub.isWeb(next)) {
      throw new MalformedModelException("the hub sends requests for " + what + " to "
          + (weaker ? "an unprotected address" : "a place that is no web address") + "; nothing was read from there");
    }
    return next;
  }

  private IOException refused(int status, String what, HttpResponse<?> response) {
    String variable = hub.kind().tokenVariable();
    return switch (status) {
      case 401 -> throw new InvalidInputException(hub + " wants to know who asks for " + what + ": "
          + (hub.token() == null ? "set " + variable + " to a token from your account there, and check the name"
              : hub.trusts(hub.base()) ? "it does not accept the token in " + variable + ", or there is no such thing"
                  : "the token in " + variable + " is not sent over an unprotected line; use https"));
      case 403 -> throw new InvalidInputException(hub + " does not let you have " + what
          + "; accept the model's terms on its page there, or use a token that may read it");
      case 404, 410 -> throw new InvalidInputException(hub + " has no " + what + "; check the name and the revision");
      case 416 -> throw new MalformedModelException("the hub's file " + what + " is shorter than its list of files "
          + "says; run the command again, or report it to the hub");
      case 408, 425, 429 -> new Busy(status, wait(response));
      default -> {
        if (status < 500) {
          throw new InvalidInputException(hub + " refuses to give " + what + " (error " + status + ")");
        }
        yield new Busy(status, wait(response));
      }
    };
  }

  private static Duration wait(HttpResponse<?> response) {
    String value = response.headers().firstValue("Retry-After").orElse("");
    return value.matches("\\d{1,6}") ? Duration.ofSeconds(Long.parseLong(value)) : Duration.ZERO;
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
