package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Finds the element-wise work that a linear layer can do before it stores: bias, activation, residual, and rounding.
/// The layer's product then never reaches memory.
final class Epilogues {
  private final Graph graph;
  private final Fusion fusion;
  private final Map<Value, Value> productOf = new HashMap<>();
  private final Set<Value> fused = new HashSet<>();

  Epilogues(Graph graph, Fusion fusion) {
    this.graph = graph;
    this.fusion = fusion;
    // From the last: of several layers that meet in one root, the latest finds all the others' results in memory.
    for (Value v : graph.values().reversed()) {
      if (fusion.isRoot(v) && (v.op() instanceof Op.Linear || v.op() instanceof Op.Convolution)) {
        consider(v);
      }
    }
  }

  /// The product that the root's kernel computes first, if it is a linear kernel with work after it.
  @Nullable Value productOf(Value root) {
    return productOf.get(root);
  }

  /// Whether the value is computed inside another root's kernel although it looks like a root.
  boolean isFused(Value v) {
    return fused.contains(v);
  }

  private void consider(Value product) {
    if (fusion.owners(product).size() != 1 || fusion.users(product).isEmpty()) {
      return;
    }
    Value root = fusion.owners(product).iterator().next();
    boolean isElementwise = isElementwise(root.op())
        && sameElements(root, product) && !productOf.containsKey(root) && !isOutput(product);
    if (isElementwise && isPointwise(root, product, new HashSet<>())) {
      productOf.put(root, product);
      fused.add(product);
    }
  }

  private boolean isOutput(Value v) {
    return graph.outputs().stream().anyMatch(o -> o.value().equals(v));
  }

  private static boolean isElementwise(Op op) {
    return (op instanceof Op.Unary && !(op instanceof Op.CumSum)) || op instanceof Op.Binary || op instanceof Op.Select
        || op instanceof Op.Cast || op instanceof Op.Reshape;
  }

  private static boolean sameElements(Value a, Value b) {
    return a.type().shape().elements().equals(b.type().shape().elements());
  }

  /// Whether the expression under `v` is simple and reads the product only at its own place.
  private boolean isPointwise(Value v, Value product, Set<Value> seen) {
    if (v.equals(product) || !seen.add(v)) {
      return true;
    }
    if (!v.equals(product) && (fusion.isRoot(v) && seen.size() > 1 || Fusion.isSource(v))) {
      return true;
    }
    boolean reads = reads(v, product);
    if (reads && (!isElementwise(v.op()) || !sameElements(v, product))) {
      return false;
    }
    if (v.op() instanceof Op.Reduction || v.op() instanceof Op.MatMul) {
      return false;
    }
    return OpSchema.operands(v.op()).stream().allMatch(o -> isPointwise(o, product, seen));
  }

  private boolean reads(Value v, Value product) {
    if (v.equals(product)) {
      return true;
    }
    if (Fusion.isSource(v) || v.id() < product.id()) {
      return false;
    }
    return OpSchema.operands(v.op()).stream()
        .anyMatch(o -> o.equals(product) || !fusion.isRoot(o) && reads(o, product));
  }
}
