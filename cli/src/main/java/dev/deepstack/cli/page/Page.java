package dev.deepstack.cli.page;

import static dev.deepstack.planner.report.Svg.escape;

import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/// The frame of a page that needs nothing else, light or dark as its reader likes it, on wide and narrow screens.
public final class Page {
  private static final String STYLE = """
      :root{color-scheme:light dark;--bg:#fff;--fg:#1a1a1a;--soft:#555;--line:#ddd;--grid:#e5e5e5;--box:#f3f8fb;
      --code:#f2f2f2;--mark:#0072b2;--hit:#ffe9a8}
      @media(prefers-color-scheme:dark){:root{--bg:#15181b;--fg:#e8e8e8;--soft:#a5adb5;--line:#3a4046;--grid:#2a2f34;
      --box:#1d262d;--code:#22272c;--mark:#56b4e9;--hit:#5c4a00}}
      *{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;
      color:var(--fg);background:var(--bg)}h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;
      margin-top:2.2rem}p.verdict{border-left:4px solid var(--mark);padding:.4rem .9rem;background:var(--box)}
      small,.soft{color:var(--soft)}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.86rem}
      td,th{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
      td.n,th.n{text-align:right;white-space:nowrap}td.bar{min-width:6rem}
      table.kernels td:first-child{min-width:15rem}td.bar i{display:block;height:.8rem;
      margin-top:.3rem;background:var(--mark);min-width:1px}svg{display:block;width:100%;height:auto;font:12px
      system-ui,sans-serif;fill:var(--fg)}.grid{stroke:var(--grid)}.frame{fill:none;stroke:var(--line)}
      code,.ir{font-family:ui-monospace,monospace;font-size:.8rem}code{overflow-wrap:anywhere}
      details{margin:.4rem 0}summary{cursor:pointer}.graphs{display:grid;grid-template-columns:1fr 1fr;gap:1rem}
      .graphs>section{min-width:0}.ir{background:var(--code);padding:.5rem;overflow-x:auto;white-space:pre}
      .ir div:target,.ir div.hit{background:var(--hit)}.ir a{color:var(--mark);text-decoration:none}
      .ir .op{font-weight:600}.key{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 .8rem}
      input[type=search]{font:inherit;width:100%;max-width:24rem;padding:.3rem .5rem;color:var(--fg);
      background:var(--bg);border:1px solid var(--line)}
      @media(max-width:60rem){.graphs{grid-template-columns:1fr}td,th{padding:.25rem .3rem}body{margin:1rem auto}}
      """;

  private Page() {}

  /// @param body HTML
  static String of(String title, String body) {
    return "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
        + "content='width=device-width,initial-scale=1'><title>" + escape(title) + "</title><style>" + STYLE
        + "</style></head><body>" + body + "</body></html>\n";
  }

  /// Writes a page, which appears whole or not at all.
  ///
  /// @throws InvalidInputException when it cannot be written
  public static void write(Path file, String page) {
    Path target = file.toAbsolutePath();
    try {
      Path part = Files.createTempFile(target.getParent(), ".page", ".part");
      try {
        Files.writeString(part, page);
        Files.move(part, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw new InvalidInputException(
          "cannot write " + file + ": " + e.getMessage() + "; check the folder and its permissions", e);
    }
  }
}
