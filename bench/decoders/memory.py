"""Compares the most memory that runs take at once with what DeepStack's line before loading said: a Markdown table.

    python memory.py FOLDER/dense-q4_0.gguf -- run --context 8192 -- run --no-pack -- bench --batch 16 --prompt-tokens 64

Each `--` begins a run: `run` answers 4 tokens after three, `bench` measures once. Peaks are VmHWM as Linux counts it, mapped
files included; of `bench` without the memory that it measures the bandwidth with.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DEEPSTACK = os.environ.get("DEEPSTACK", str(HERE.parent.parent / "deepstack"))
FIXED = {"run": ["--prompt-ids", "1,5,7", "--max-tokens", "4", "--temperature", "0", "--ignore-end"],
         "bench": ["--gen-tokens", "4", "--repeats", "1", "--json"]}


def size(text):
    number, unit = re.match(r"([\d.]+) (GB|MB)", text).groups()
    return float(number) * (1000 if unit == "GB" else 1)


def measure(model, command, options):
    process = subprocess.Popen([DEEPSTACK, command, model, *FIXED[command], *options], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    line = [text for text in err.splitlines() if "of memory needed" in text]
    if status or not line:
        raise SystemExit(err)
    said = size(line[0].partition("deepstack: ")[2])
    peak = json.loads(out)["peak_rss_mb"] if command == "bench" else used.ru_maxrss * 1024 / 1e6
    return said, peak


def main():
    model, *rest = sys.argv[1:]
    print("| model | | said, MB | peak, MB | |\n|---|---|---:|---:|---:|")
    for words in split(rest):
        command, *options = words
        said, peak = measure(model, command, options)
        print(f"| {pathlib.Path(model).stem} | {' '.join(words)} | {said:.0f} | {peak:.0f} | {100 * (peak / said - 1):+.1f} % |",
              flush=True)


def split(words):
    """the words after each `--`"""
    runs = []
    for word in words:
        if word == "--":
            runs.append([])
        else:
            runs[-1].append(word)
    return runs


if __name__ == "__main__":
    main()
