/// Model files from hubs: listing, resumable download, checks.
module dev.deepstack.hub {
  requires dev.deepstack.tensor;
  requires java.net.http;
  requires tools.jackson.databind;
  requires static org.jspecify;

  exports dev.deepstack.hub;
}
