package dev.deepstack.hub;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The files of a repository, by the hub's interface.
final class Listing {
  private static final int BYTES_MAX = 64 << 20;
  private static final int PAGES_MAX = 1000;
  private static final Pattern NEXT = Pattern.compile("<([^>]*)>\\s*;\\s*rel=\"?next\"?");

  private final Hub hub;
  private final Transport transport;
  private final Retry retry;

  Listing(Hub hub, Transport transport, Retry retry) {
    this.hub = hub;
    this.transport = transport;
    this.retry = retry;
  }

  /// @param address of the next page, or null after the last
  private record Page(JsonNode content, @Nullable URI address) {}

  /// @throws InvalidInputException when the hub does not give it
  /// @throws MalformedModelException when what it gives makes no sense
  List<RemoteFile> read(Repository repository) throws InterruptedException {
    var files = new ArrayList<RemoteFile>();
    URI at = hub.listing(repository);
    var seen = new HashSet<URI>();
    while (at != null) {
      if (!seen.add(at) || seen.size() > PAGES_MAX) {
        throw new MalformedModelException(hub + " lists the files of " + repository + " without end: more than "
            + PAGES_MAX + " pages, or the same page again");
      }
      Page page = page(at, repository);
      switch (hub.kind()) {
        case HUGGINGFACE -> page.content.forEach(entry -> addHuggingFace(entry, files));
        case MODELSCOPE -> addModelScope(page.content, files);
      }
      at = page.address;
    }
    var paths = new HashSet<String>();
    for (RemoteFile file : files) {
      if (!paths.add(file.path())) {
        throw new MalformedModelException(hub + " lists " + file.path() + " of " + repository + " twice");
      }
    }
    return files;
  }

  private Page page(URI at, Repository repository) throws InterruptedException {
    for (int failures = 1; ; failures++) {
      try (var answer = transport.get(at, "model " + repository, Map.of())) {
        byte[] bytes = bytes(answer);
        URI next = answer.response().headers().allValues("Link").stream().map(NEXT::matcher)
            .filter(m -> m.find()).map(m -> at.resolve(m.group(1))).findFirst().orElse(null);
        return new Page(JsonMapper.shared().readTree(bytes), next);
      } catch (JacksonException | IllegalArgumentException e) {
        throw new MalformedModelException(hub + " answers the question for the files of " + repository
            + " with something that is no list; is it the address of a " + hub.kind() + " hub?", e);
      } catch (IOException e) {
        if (failures == retry.attempts()) {
          throw new InvalidInputException("cannot reach " + hub + ": " + Pull.reason(e)
              + "; check the network, or name another address (--url)", e);
        }
        retry.pause(failures, e);
      }
    }
  }

  private byte[] bytes(Transport.Answer answer) throws IOException {
    var bytes = new ByteArrayOutputStream();
    byte[] buffer = new byte[1 << 16];
    for (int count = answer.body().read(buffer); count >= 0; count = answer.body().read(buffer)) {
      bytes.write(buffer, 0, count);
      if (bytes.size() > BYTES_MAX) {
        throw new MalformedModelException(hub + " sends a list of files without end");
      }
    }
    return bytes.toByteArray();
  }

  private static void addHuggingFace(JsonNode entry, List<RemoteFile> files) {
    if (entry.path("type").asString("").equals("file")) {
      JsonNode large = entry.path("lfs");
      String oid = large.isObject() ? large.path("oid").asString("") : entry.path("oid").asString("");
      long size = large.isObject() ? large.path("size").asLong(-1) : entry.path("size").asLong(-1);
      files.add(new RemoteFile(entry.path("path").asString(""), size, Checksum.of(oid.replace("sha256:", ""))));
    }
  }

  private void addModelScope(JsonNode page, List<RemoteFile> files) {
    int code = page.path("Code").asInt(200);
    if (code != 200) {
      throw new InvalidInputException(hub + " does not list the files: "
          + RemoteFile.printable(page.path("Message").asString("error " + code)));
    }
    for (JsonNode entry : page.path("Data").path("Files")) {
      if (!entry.path("Type").asString("blob").equals("tree")) {
        files.add(new RemoteFile(entry.path("Path").asString(""), entry.path("Size").asLong(-1),
            Checksum.of(entry.path("Sha256").asString(""))));
      }
    }
  }
}
