/// The interpreter: what every op means, in plain Java.
module dev.deepstack.reference {
  exports dev.deepstack.reference;

  requires transitive dev.deepstack.tensor;
  requires transitive dev.deepstack.ir;
  requires static org.jspecify;
}
