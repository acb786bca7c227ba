/// Graph IR: sealed op records, values, graphs, their text form and the verifier.
@org.jspecify.annotations.NullMarked
package dev.deepstack.ir;
