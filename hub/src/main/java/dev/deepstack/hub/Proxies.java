package dev.deepstack.hub;

import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Proxies as the environment names them for all programs: `https_proxy`, `http_proxy`, `all_proxy`, and in `no_proxy`
/// the hosts and domains that are reached directly.
final class Proxies extends ProxySelector {
  private final Map<String, String> environment;
  private final List<String> direct;

  /// @throws InvalidInputException when a proxy's address is none
  Proxies(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
    direct = Arrays.stream(variable("no_proxy").split(",")).map(String::strip).filter(s -> !s.isEmpty()).toList();
    for (String scheme : List.of("http", "https")) {
      proxy(scheme);
    }
  }

  private String variable(String name) {
    return environment.getOrDefault(name, environment.getOrDefault(name.toUpperCase(Locale.ROOT), "")).strip();
  }

  private @Nullable Proxy proxy(String scheme) {
    String own = variable(scheme + "_proxy");
    String address = own.isEmpty() ? variable("all_proxy") : own;
    if (address.isEmpty()) {
      return null;
    }
    try {
      URI uri = URI.create(address.contains("://") ? address : "http://" + address);
      if (uri.getHost() != null && "http".equals(uri.getScheme()) && uri.getUserInfo() == null) {
        return new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(uri.getHost(),
            uri.getPort() < 0 ? 80 : uri.getPort()));
      }
    } catch (IllegalArgumentException _) {
      // Said below.
    }
    throw new InvalidInputException("the environment's " + scheme + "_proxy is not the address of a proxy that can be "
        + "used; give one such as http://proxy.example:3128, without a user name, or unset it");
  }

  private boolean isDirect(String host) {
    return direct.stream().map(d -> d.startsWith(".") ? d.substring(1) : d)
        .anyMatch(d -> d.equals("*") || host.equalsIgnoreCase(d)
            || host.toLowerCase(Locale.ROOT).endsWith("." + d.toLowerCase(Locale.ROOT)));
  }

  @Override
  public List<Proxy> select(URI uri) {
    String scheme = uri.getScheme();
    String host = uri.getHost();
    Proxy proxy = scheme == null || host == null || isDirect(host) ? null : proxy(scheme);
    return List.of(proxy == null ? Proxy.NO_PROXY : proxy);
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException e) {
    // The request fails and says so.
  }
}
