package dev.deepstack.codegen.llvm;

import dev.deepstack.program.weight.BlockWords;
import dev.deepstack.program.weight.PanelCode;
import dev.deepstack.tensor.BlockFormat;
import java.util.ArrayList;
import java.util.List;

/// Functions that put stored rows in the order of a panel, as fast as memory goes; see [PanelCode].
final class PackCode {
  private final Fn f;
  private final int lanes;

  private PackCode(Fn f, int lanes) {
    this.f = f;
    this.lanes = lanes;
  }

  private static PackCode begin(ModuleText module, String name) {
    return new PackCode(module.function(name, "void", "ptr source", "i64 stride", "i64 rows", "i64 count", "ptr to"),
        module.lanes());
  }

  /// The function for a block format; `count` is the number of blocks in a row.
  static void blocks(ModuleText module, BlockFormat format) {
    PackCode code = begin(module, PanelCode.name(format));
    code.blocks(BlockWords.of(format));
    code.f.end();
  }

  /// The function for plain numbers; `count` is the number of words in a row, a multiple of 4.
  static void words(ModuleText module) {
    PackCode code = begin(module, PanelCode.WORDS);
    Fn f = code.f;
    String pointers = code.pointers();
    f.loop("0", "%count", 4, word -> {
      List<String> lines = new RowWords(f, code.rows(pointers, f.mul(word, 4))).four(0);
      String to = f.at("%to", "i32", f.mul(word, code.lanes));
      for (int i = 0; i < lines.size(); i++) {
        f.store(lines.get(i), f.byteAt(to, 4L * code.lanes * i), 4 * code.lanes);
      }
    });
    f.end();
  }

  private void blocks(BlockWords words) {
    String pointers = pointers();
    String whole = f.div("%count", words.blocks());
    int bytes = words.words().size() * 4 * lanes;
    f.loop("0", whole, 1, chunk -> new RowWords(f, rows(pointers, f.mul(chunk, words.storedBytes())))
        .store(words, words.blocks(), f.at("%to", "i8", f.mul(chunk, bytes))));
    String rest = f.mod("%count", words.blocks());
    for (int blocks = 1; blocks < words.blocks(); blocks++) {
      int some = blocks;
      f.when(f.icmp("eq", rest, Integer.toString(some)),
          () -> new RowWords(f, rows(pointers, f.mul(whole, words.storedBytes())))
              .store(words, some, f.at("%to", "i8", f.mul(whole, bytes))));
    }
  }

  /// Lanes without a row of their own read the last one again.
  private String pointers() {
    String pointers = f.local("ptr", lanes);
    String last = f.sub("%rows", "1");
    for (int r = 0; r < lanes; r++) {
      String row = f.min(Integer.toString(r), last);
      f.store(f.at("%source", "i8", f.mul(row, "%stride")), f.at(pointers, "ptr", r));
    }
    return pointers;
  }

  private List<String> rows(String pointers, String offset) {
    var rows = new ArrayList<String>();
    for (int r = 0; r < lanes; r++) {
      rows.add(f.at(f.load("ptr", f.at(pointers, "ptr", r)), "i8", offset));
    }
    return rows;
  }
}
