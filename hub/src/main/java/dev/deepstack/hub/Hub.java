package dev.deepstack.hub;

import dev.deepstack.tensor.InvalidInputException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Where models come from: which interface the hub speaks, where it is, and who asks.
///
/// @param kind its interface
/// @param base its address, without a path's last slash
/// @param token sent to this address and to no other; null when nobody in particular asks
/// @param environment names proxies, if there are any
public record Hub(Kind kind, URI base, @Nullable String token, Map<String, String> environment) {
  /// The interfaces there are.
  public enum Kind {
    HUGGINGFACE("https://huggingface.co", "main", "HF_TOKEN"),
    MODELSCOPE("https://modelscope.cn", "master", "MODELSCOPE_API_TOKEN");

    private final String address;
    private final String revision;
    private final String tokenVariable;

    Kind(String address, String revision, String tokenVariable) {
      this.address = address;
      this.revision = revision;
      this.tokenVariable = tokenVariable;
    }

    /// The branch that is taken when none is named.
    public String revision() {
      return revision;
    }

    /// The environment variable that holds a token for such a hub.
    public String tokenVariable() {
      return tokenVariable;
    }
  }

  public Hub {
    // Nothing else of it belongs here, tokens least of all.
    environment = environment.entrySet().stream().filter(e -> e.getKey().toLowerCase(Locale.ROOT).endsWith("_proxy"))
        .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));
    if (!isWeb(base) || base.getUserInfo() != null) {
      throw new InvalidInputException("\"" + base.getScheme() + ":…\" is not a hub's address; give one such as "
          + Kind.HUGGINGFACE.address + ", without a user name or password");
    }
  }

  /// A hub from options and environment.
  ///
  /// @param kind the interface, or null to take the one the address or the environment suggests
  /// @param address where it is, or null for the environment's or else the public one
  /// @param environment `DEEPSTACK_HUB_URL`, `HF_ENDPOINT`, and tokens: `DEEPSTACK_HUB_TOKEN`, `HF_TOKEN`,
  ///     `MODELSCOPE_API_TOKEN`; proxies: `https_proxy`, `http_proxy`, `all_proxy`, `no_proxy`
  public static Hub of(@Nullable Kind kind, @Nullable String address, Map<String, String> environment) {
    String given = Objects.requireNonNullElse(address, environment.getOrDefault("DEEPSTACK_HUB_URL", ""));
    Kind asked = Objects.requireNonNullElse(kind,
        given.contains("modelscope") ? Kind.MODELSCOPE : Kind.HUGGINGFACE);
    if (given.isBlank() && asked == Kind.HUGGINGFACE) {
      given = environment.getOrDefault("HF_ENDPOINT", "");
    }
    String token = environment.getOrDefault("DEEPSTACK_HUB_TOKEN",
        environment.getOrDefault(asked.tokenVariable, "")).strip();
    if (token.chars().anyMatch(c -> c <= ' ' || c >= 127)) {
      throw new InvalidInputException("the token in the environment (" + asked.tokenVariable
          + ") holds characters that no token has; set it again");
    }
    return new Hub(asked, parse(given.isBlank() ? asked.address : given.strip()), token.isEmpty() ? null : token,
        environment);
  }

  private static URI parse(String address) {
    try {
      return new URI(address.replaceAll("/+$", ""));
    } catch (URISyntaxException e) {
      throw new InvalidInputException("\"" + RemoteFile.printable(address)
          + "\" is not a hub's address; give one such as " + Kind.HUGGINGFACE.address, e);
    }
  }

  /// Where the list of a repository's files is.
  URI listing(Repository repository) {
    return URI.create(base + switch (kind) {
      case HUGGINGFACE -> "/api/models/" + repository + "/tree/" + encoded(repository.revision())
          + "?recursive=true";
      case MODELSCOPE -> "/api/v1/models/" + repository + "/repo/files?Recursive=true&Revision="
          + encoded(repository.revision());
    });
  }

  /// Where a file's bytes are.
  URI file(Repository repository, String path) {
    return URI.create(base + switch (kind) {
      case HUGGINGFACE -> "/" + repository + "/resolve/" + encoded(repository.revision()) + "/"
          + Arrays.stream(path.split("/")).map(Hub::encoded).collect(Collectors.joining("/"));
      case MODELSCOPE -> "/api/v1/models/" + repository + "/repo?Revision=" + encoded(repository.revision())
          + "&FilePath=" + encoded(path);
    });
  }

  /// Whether this is an address on the web.
  static boolean isWeb(URI uri) {
    String scheme = uri.getScheme();
    return ("https".equalsIgnoreCase(scheme) || "http".equalsIgnoreCase(scheme)) && uri.getHost() != null;
  }

  /// Whether the token may go there: to this hub's own address, and over a line that nobody else reads.
  boolean trusts(URI uri) {
    boolean same = base.getScheme().equalsIgnoreCase(uri.getScheme()) && base.getHost().equalsIgnoreCase(uri.getHost())
        && port(base) == port(uri);
    return same && (base.getScheme().equalsIgnoreCase("https") || isLocal());
  }

  private boolean isLocal() {
    String host = base.getHost();
    return host.equals("localhost") || host.equals("[::1]") || host.startsWith("127.");
  }

  private static int port(URI uri) {
    return uri.getPort() != -1 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /// Without the token.
  @Override
  public String toString() {
    return base.toString();
  }
}
