package dev.deepstack.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.InvalidInputException;
import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ProxiesTest {
  private static String chosen(String address, Map<String, String> environment) {
    return String.valueOf(new Proxies(environment).select(URI.create(address)).getFirst());
  }

  @Test
  void takesTheProxyOfTheScheme() {
    var environment = Map.of("https_proxy", "http://one.example:3128", "HTTP_PROXY", "two.example:81");
    assertThat(chosen("https://hub.example/x", environment)).contains("one.example").contains("3128");
    assertThat(chosen("http://hub.example/x", environment)).contains("two.example").contains("81");
    assertThat(chosen("https://hub.example/x", Map.of("all_proxy", "http://all.example"))).contains("all.example")
        .contains("80");
    assertThat(chosen("https://hub.example/x", Map.of())).isEqualTo("DIRECT");
  }

  @Test
  void reachesSomeHostsDirectly() {
    var environment = Map.of("https_proxy", "http://one.example:3128", "no_proxy", "localhost, .inner.example,HUB.org");
    assertThat(chosen("https://localhost/x", environment)).isEqualTo("DIRECT");
    assertThat(chosen("https://a.inner.example/x", environment)).isEqualTo("DIRECT");
    assertThat(chosen("https://inner.example/x", environment)).isEqualTo("DIRECT");
    assertThat(chosen("https://hub.org/x", environment)).isEqualTo("DIRECT");
    assertThat(chosen("https://notinner.example/x", environment)).contains("one.example");
  }

  @Test
  void refusesWhatIsNoProxy() {
    for (String address : new String[] {"socks5://one.example:1080", "http://me:secret@one.example", "http://", "::"}) {
      assertThatThrownBy(() -> new Proxies(Map.of("https_proxy", address))).isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("https_proxy").hasMessageNotContaining("secret");
    }
  }
}
