package dev.deepstack.codegen.llvm;

import java.util.stream.IntStream;

/// Rows that lie in memory as f32 with numbers that bf16 can say, for products of pairs: copied as bf16, neighbours in
/// one word. A last word without a second number has zero there.
final class PairRows implements RowSource {
  private final PlainRows rows;
  private final Fn f;

  PairRows(PlainRows rows, Fn f) {
    this.rows = rows;
    this.f = f;
  }

  @Override
  public void begin(String first, String count) {
    rows.begin(first, count);
  }

  @Override
  public void copy(String i, String k, String depth, String to) {
    String from = rows.at(i, k);
    int lanes = f.module().lanes();
    Vec.over(f, "0", depth, 2 * lanes, (j, count) -> {
      String at = f.at(to, "i16", j);
      if (count == 1) {
        f.store(f.load("i16", f.byteAt(f.at(from, "float", j), 2)), at);
      } else {
        f.store(upperHalves(from, j, lanes), at);
      }
    });
    f.when(f.icmp("ne", f.binary("and", depth, "1"), "0"), () -> f.store("i16 0", f.at(to, "i16", depth)));
  }

  private String upperHalves(String from, String j, int lanes) {
    String halves = Fn.vector("i16", 2 * lanes);
    String first = f.load(halves, f.at(from, "float", j));
    String second = f.load(halves, f.byteAt(f.at(from, "float", j), 4L * lanes));
    return Vec.shuffle(f, first, second, IntStream.range(0, 2 * lanes).map(n -> 2 * n + 1).toArray());
  }
}
