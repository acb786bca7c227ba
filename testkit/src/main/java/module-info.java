/// Goldens, seeded generators and tolerant comparison, for the tests of every room; knows nothing of ours.
module dev.deepstack.testkit {
  requires static org.jspecify;

  exports dev.deepstack.testkit;
}
