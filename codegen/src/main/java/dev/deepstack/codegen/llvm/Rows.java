package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.DType;

/// Rows of a fixed width, a vector at a time. The last vector of a width that lanes do not divide is put together from
/// loads of half, a quarter, … of a vector, so that nothing outside the row is touched.
record Rows(DType dtype, int width, int lanes) {

  int vectors() {
    return (width + lanes - 1) / lanes;
  }

  /// Elements of vector `i`.
  private int filled(int i) {
    return Math.min(lanes, width - i * lanes);
  }

  private String address(Fn f, String row, int element) {
    return f.at(row, Registers.stored(dtype), element);
  }

  /// Vector `i` of the row at `row` as f32, zero behind the row's end.
  String load(Fn f, String row, int i) {
    int count = filled(i);
    if (count == lanes) {
      return Registers.load(f, dtype, address(f, row, i * lanes), lanes);
    }
    String vector = Vec.zero(f, "float", lanes);
    for (int at = 0, piece = lanes / 2; piece >= 1; piece /= 2) {
      if ((count & piece) != 0) {
        vector = put(f, vector, Registers.load(f, dtype, address(f, row, i * lanes + at), piece), at, piece);
        at += piece;
      }
    }
    return vector;
  }

  private String put(Fn f, String vector, String part, int at, int piece) {
    if (piece == 1) {
      return Vec.insert(f, vector, part, at);
    }
    var widened = new int[lanes];
    var merged = new int[lanes];
    for (int l = 0; l < lanes; l++) {
      widened[l] = Math.min(l, piece - 1);
      merged[l] = l >= at && l < at + piece ? lanes + l - at : l;
    }
    return Vec.shuffle(f, vector, Vec.shuffle(f, part, part, widened), merged);
  }

  /// Stores vector `i` of a row, and nothing behind the row's end.
  void store(Fn f, String vector, String row, int i) {
    int count = filled(i);
    if (count == lanes) {
      Registers.store(f, dtype, vector, address(f, row, i * lanes));
      return;
    }
    for (int at = 0, piece = lanes / 2; piece >= 1; piece /= 2) {
      if ((count & piece) != 0) {
        Registers.store(f, dtype, part(f, vector, at, piece), address(f, row, i * lanes + at));
        at += piece;
      }
    }
  }

  private static String part(Fn f, String vector, int at, int piece) {
    if (piece == 1) {
      return Vec.extract(f, vector, at);
    }
    var lanes = new int[piece];
    for (int l = 0; l < piece; l++) {
      lanes[l] = at + l;
    }
    return Vec.shuffle(f, vector, vector, lanes);
  }
}
