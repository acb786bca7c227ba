"""Makes the tables and pictures of docs/benchmarks.md from the JSON of run.py, and puts a summary into that JSON.

    python report.py ../results/decoders.json --pictures ../../docs/pictures > table.md
"""

import argparse
import itertools
import json
import math
import pathlib
import statistics

CLOSE = 0.15  # bandwidths that differ by more are different states of the machine
LLAMAS = ("llama.cpp", "node-llama-cpp")
NAMES = {"dense": "1.1B", "moe": "7B-A1.2B"}
TARGETS = {"decode": 1.8, "prefill": 2.5}


def apart(a, b):
    return abs(a - b) > CLOSE * max(a, b)


def bandwidth(run):
    return sum(run["read_gb_s"]) / 2


def calm(runs):
    """the runs whose memory was as fast before as after"""
    return [run for run in runs if not apart(*run["read_gb_s"])]


def speed(run, what):
    return run["decode_tok_s"] if what == "decode" else run["prefill_tok_s"]["512"]


def of(runs, what):
    """the calm runs that measured that"""
    return [run for run in calm(runs) if run["what"] == what]


def ratio(ours, theirs, what):
    """median over all pairs of runs that saw the same memory"""
    found = [speed(a, what) / speed(b, what) for a, b in itertools.product(ours, theirs)
             if not apart(bandwidth(a), bandwidth(b))]
    return round(statistics.median(found), 2) if found else None


def median(values):
    values = list(values)
    return round(statistics.median(values), 4) if values else None


def summary(results):
    models = {}
    for model, facts in results["models"].items():
        by_engine = {}
        for run in results["runs"]:
            if run["model"] == model:
                by_engine.setdefault(run["engine"], []).append(run)
        engines = {}
        for engine, runs in by_engine.items():
            kept, prompts = of(runs, "decode"), of(runs, "prefill")
            if not kept:
                continue
            token = [run.get("bytes_per_token", facts["bytes_per_token"]) for run in kept]
            limit = [max(bandwidth(run), run.get("own_read_gb_s", 0)) for run in kept]
            engines[engine] = {
                "runs": len(runs), "kept": len(kept) + len(prompts),
                "prefill_128": median(run["prefill_tok_s"]["128"] for run in prompts),
                "prefill_512": median(run["prefill_tok_s"]["512"] for run in prompts),
                "decode": median(run["decode_tok_s"] for run in kept),
                "bytes_per_token": median(token),
                "read_gb_s": median(limit),
                # DeepStack measures the bandwidth between its steps; of the others' runs it is known before and after.
                "roofline_share": median(run.get("own_roofline_share", run["decode_tok_s"] * b / l / 1e9)
                                         for run, b, l in zip(kept, token, limit)),
                "load_s": median(run["load_s"] for run in kept if "load_s" in run)}
        ours = by_engine.get("deepstack", [])
        ratios = {}
        for what in TARGETS:
            found = {name: ratio(of(ours, what), of(by_engine.get(name, []), what), what) for name in LLAMAS}
            found = {name: value for name, value in found.items() if value}
            if found:
                ratios[what] = min(found.values())
                ratios[f"{what}_by_engine"] = found
        models[model] = {"bytes_per_token": facts["bytes_per_token"], "engines": engines, "ratios": ratios}
    overall = {}
    for what, target in TARGETS.items():
        values = [m["ratios"][what] for m in models.values() if what in m["ratios"]]
        if values:
            overall[what] = {
                "geometric_mean": round(math.exp(statistics.mean(map(math.log, values))), 2), "target": target,
                "least": min(values), "least_target": 1.2, "formats": len(values)}
    return {"models": models, "better_llama_cpp": overall}


def label(model):
    shape, format = model.split("-", 1)
    return f"{NAMES.get(shape, shape)} {format.upper()}"


def number(value, digits=1):
    return "–" if value is None else f"{value:.{digits}f}"


def tables(whole):
    lines = ["| model | engine | prefill 128 | prefill 512 | decode | GB/s | of the read bandwidth |",
             "|---|---|---|---|---|---|---|"]
    for model, facts in whole["models"].items():
        for engine, e in facts["engines"].items():
            bold = "**" if engine == "deepstack" else ""
            lines.append(
                f"| {label(model)} | {engine} | {number(e['prefill_128'])} | {bold}{number(e['prefill_512'])}{bold} "
                f"| {bold}{number(e['decode'])}{bold} | {number(e['decode'] * e['bytes_per_token'] / 1e9)} "
                f"| {100 * e['roofline_share']:.0f} % of {number(e['read_gb_s'])} |")
    lines += ["", "| times the better llama.cpp | decode | prefill 512 |", "|---|---|---|"]
    for model, facts in whole["models"].items():
        r = facts["ratios"]
        lines.append(f"| {label(model)} | {number(r.get('decode'), 2)} | {number(r.get('prefill'), 2)} |")
    means = whole["better_llama_cpp"]
    if means:
        lines.append("| **geometric mean** | " + " | ".join(
            f"**{means[what]['geometric_mean']:.2f}** (target {means[what]['target']})" for what in TARGETS) + " |")
    return "\n".join(lines)


COLOURS = ("#1f5fa8", "#c2571a", "#2b8a4b", "#7a3fa0")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 64, 48, 36, 150


def ticks(top):
    """round steps, about five of them"""
    rough = top / 5
    step = 10 ** math.floor(math.log10(rough))
    step *= next(f for f in (1, 2, 5, 10) if f * step >= rough)
    return [step * i for i in range(int(top / step) + 1)]


def picture(title, across, lines):
    """an SVG of lines [(name, [(x, y)], dashed)] over a linear axis"""
    right = max(x for _, points, _ in lines for x, _ in points) * 1.02
    top = max(y for _, points, _ in lines for _, y in points) * 1.08

    def at(x, y):
        return (LEFT + x / right * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / top * (HEIGHT - BOTTOM - TOP))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{title}</text>']
    end = at(right, 0)[0]
    for y in ticks(top):
        h = at(0, y)[1]
        out.append(f'<line x1="{LEFT}" y1="{h:.1f}" x2="{end:.1f}" y2="{h:.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{h + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in ticks(right):
        v, h = at(x, 0)
        out.append(f'<text x="{v:.1f}" y="{h + 16:.1f}" text-anchor="middle">{x:g}</text>')
    out.append(f'<text x="{(LEFT + end) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{across}</text>')
    out.append(f'<text x="16" y="{HEIGHT / 2:.0f}" transform="rotate(-90 16 {HEIGHT / 2:.0f})" text-anchor="middle">'
               "milliseconds per step</text>")
    for i, (name, points, dashed) in enumerate(lines):
        colour = COLOURS[i // 2 % len(COLOURS)]
        places = [at(*point) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        if not dashed:
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        h = TOP + 14 + 18 * i
        out.append(f'<line x1="{end + 8:.0f}" y1="{h}" x2="{end + 30:.0f}" y2="{h}" stroke="{colour}" stroke-width="2"{dash}/>'
                   f'<text x="{end + 35:.0f}" y="{h + 4}">{name}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def pictures(sweeps, folder):
    """measured step times, and dashed what the bytes of the step alone would take"""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, across in (("context", "tokens in the context, one sequence"), ("batch", "sequences, 48 tokens of context each")):
        lines = []
        for model in dict.fromkeys(s["model"] for s in sweeps):
            rows = [s for s in sweeps if s["model"] == model and s["kind"] == kind]
            if rows:
                lines.append((label(model), [(s[kind], s["step_ms"]) for s in rows], False))
                lines.append(("its bytes alone", [
                    (s[kind], s["bytes_per_step"] / max(s["own_read_gb_s"], *s["read_gb_s"]) / 1e6) for s in rows], True))
        if lines:
            (folder / f"step-by-{kind}.svg").write_text(picture(f"Time of a decode step by {kind}", across, lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path)
    options = parser.parse_args()
    results = json.loads(options.results.read_text())
    results["summary"] = summary(results)
    options.results.write_text(json.dumps(results, indent=1) + "\n")
    print(tables(results["summary"]))
    if options.pictures:
        pictures(results["sweeps"], options.pictures)


if __name__ == "__main__":
    main()
