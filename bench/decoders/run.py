"""Times DeepStack and the engines users would take instead, in turns, on the same GGUF files.

    python run.py --models FOLDER --deepstack ../../deepstack --threads 2 --out ../results/decoders.json \
        --llama-bench 'llama-bench' --node-folder FOLDER_WITH_NODE_LLAMA_CPP

Answers and prompts are measured in runs of their own, so that a run takes seconds and many rounds fit in a quarter of an hour.
Every engine's run stands between two measurements of the read bandwidth. A run whose two bandwidths differ by more than
15 % counts for nothing, and speeds are divided by each other only where the bandwidths beside them are that close: the
memory of a shared machine changes between states. The raw runs stay in the JSON, `report.py` makes tables and pictures.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import resource
import shlex
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PROMPTS = (128, 512)


class Machine:
    """runs commands behind the wrapper and says how much of the processors others had meanwhile"""

    def __init__(self, options):
        self.wrapper = shlex.split(options.wrapper)
        self.threads = options.threads
        self.probe = pathlib.Path(options.work) / "bandwidth"
        subprocess.run(["cc", "-O3", "-march=native", HERE / "bandwidth.c", "-o", self.probe, "-lpthread"], check=True)

    def run(self, command, folder=None, limit=900):
        busy, own, wall = busy_seconds(), child_seconds(), time.time()
        done = subprocess.run(self.wrapper + command, cwd=folder, capture_output=True, text=True, timeout=limit)
        wall = time.time() - wall
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-400:]}")
        others = busy_seconds() - busy - (child_seconds() - own)
        return done.stdout, round(max(0.0, others / wall / os.cpu_count()), 3)

    def bandwidth(self):
        """GB/s, the best of twelve rounds: what the memory gives when nobody disturbs"""
        out, _ = self.run([str(self.probe), str(self.threads), "12"])
        return max(map(float, out.split()))


def busy_seconds():
    values = [int(v) for v in open("/proc/stat").readline().split()[1:9]]
    return (sum(values) - values[3] - values[4]) / os.sysconf("SC_CLK_TCK")


def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def last_json(text):
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])


class DeepStack:
    name = "deepstack"

    def __init__(self, machine, options):
        self.machine, self.options = machine, options

    def bench(self, model, prompts, batches, gen, repeats):
        out, others = self.machine.run([
            self.options.deepstack, "bench", str(model), "--prompt-tokens", ",".join(map(str, prompts)), "--gen-tokens",
            str(gen), "--batch", ",".join(map(str, batches)), "--repeats", str(repeats), "--threads",
            str(self.machine.threads), "--kv-type", self.options.kv_type, "--json"])
        return last_json(out), others

    def measure(self, model, what):
        prompts, gen = ((16,), self.options.gen) if what == "decode" else (PROMPTS, 2)
        result, others = self.bench(model, prompts, (1,), gen, self.options.repeats)
        first = result["rows"][0]
        numbers = {"load_s": result["load_s"], "own_read_gb_s": result["read_gb_s"], "peak_rss_mb": result["peak_rss_mb"]}
        if what == "prefill":
            return numbers | {
                "prefill_tok_s": {str(row["prompt_tokens"]): row["prefill_tok_s"] for row in result["rows"]}}, others
        return numbers | {
            "decode_tok_s": first["decode_tok_s"], "bytes_per_token": first["bytes_per_token"],
            "own_roofline_share": first["roofline_share"]}, others


class LlamaBench:
    """llama.cpp by its own benchmark; the first of two repetitions warms up, the better one counts"""

    name = "llama.cpp"

    def __init__(self, machine, options):
        self.machine, self.options = machine, options

    def measure(self, model, what):
        folder = self.options.llama_models or str(model.parent)
        prompts, gen = ((0,), self.options.gen) if what == "decode" else (PROMPTS, 0)
        out, others = self.machine.run(shlex.split(self.options.llama_bench) + [
            "-m", f"{folder}/{model.name}", "-t", str(self.machine.threads), "--no-warmup", "-r",
            str(max(2, self.options.repeats)), "-p", ",".join(map(str, prompts)), "-n", str(gen), "-o", "jsonl"])
        rows = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        if what == "decode":
            return {"decode_tok_s": round(max(next(r for r in rows if r["n_gen"])["samples_ts"]), 2)}, others
        return {
            "prefill_tok_s": {str(r["n_prompt"]): round(max(r["samples_ts"]), 2) for r in rows if r["n_prompt"]}}, others


class NodeLlama:
    """llama.cpp as the npm package node-llama-cpp brings it; the better repetition counts"""

    name = "node-llama-cpp"

    def __init__(self, machine, options):
        self.machine, self.options = machine, options

    def measure(self, model, what):
        prompts, gen = ((), self.options.gen) if what == "decode" else (PROMPTS, 0)
        out, others = self.machine.run([
            "node", str(HERE / "node_bench.mjs"), str(model.resolve()), str(self.machine.threads),
            ",".join(map(str, prompts)), str(gen), str(max(2, self.options.repeats))], self.options.node_folder)
        result = last_json(out)
        numbers = {"load_s": round(result["load_s"], 2)}
        if what == "decode":
            return numbers | {"decode_tok_s": round(max(result["decode"]), 2)}, others
        return numbers | {
            "prefill_tok_s": {length: round(max(values), 2) for length, values in result["prefill"].items()}}, others


class Jlama:
    """Jlama on a folder of the same shape that it quantised itself, with 8-bit activations; the better repetition counts"""

    name = "jlama"

    def __init__(self, machine, options):
        self.machine, self.options = machine, options

    def measure(self, model, what):
        prompts, gen = ((), self.options.gen) if what == "decode" else (PROMPTS, 0)
        out, others = self.machine.run([
            self.options.java, "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx4g",
            "-cp", f"{self.options.jlama_lib}/*", str(HERE / "JlamaBench.java"), self.options.jlama_folder, "bench",
            str(self.machine.threads), ",".join(map(str, prompts)), str(gen), str(max(2, self.options.repeats))])
        result = last_json(out)
        if what == "decode":
            return {"load_s": round(result["load_s"], 2), "decode_tok_s": round(max(result["decode"]), 2)}, others
        return {"prefill_tok_s": {length: round(max(values), 2) for length, values in result["prefill"].items()}}, others


def alternate(machine, engines, models, what, rounds, runs, save):
    """every engine on every model, `rounds` times; bandwidth before and after each"""
    for turn in range(rounds):
        for model in models:
            before = machine.bandwidth()
            for engine in engines:
                if isinstance(engine, Jlama) and model.stem != engine.options.jlama_beside:
                    continue
                try:
                    numbers, others = engine.measure(model, what)
                except (RuntimeError, subprocess.TimeoutExpired) as problem:
                    print(model.stem, engine.name, problem, file=sys.stderr, flush=True)
                    continue
                after = machine.bandwidth()
                runs.append({"model": model.stem, "engine": engine.name, "what": what, "round": turn, "read_gb_s": [before, after],
                             "others": others, **numbers})
                print(json.dumps(runs[-1]), flush=True)
                save(runs)
                before = after


def sweeps(machine, deepstack, models, options):
    """milliseconds of a decode step of DeepStack: batch 1 at growing contexts, then growing batches"""
    found = []
    for model in models:
        for kind, prompts, batches in (("context", options.contexts, [1]), ("batch", [32], options.batches)):
            before = machine.bandwidth()
            result, others = deepstack.bench(model, prompts, batches, 32, options.repeats)
            after = machine.bandwidth()
            for row in result["rows"]:
                step = row["batch"] / row["decode_tok_s"]
                found.append({
                    "model": model.stem, "kind": kind, "batch": row["batch"], "context": row["prompt_tokens"] + 16,
                    "step_ms": round(1e3 * step, 3), "bytes_per_step": row["bytes_per_token"] * row["batch"],
                    "prefill_tok_s": row["prefill_tok_s"], "read_gb_s": [before, after],
                    "own_read_gb_s": result["read_gb_s"], "others": others})
                print(json.dumps(found[-1]), flush=True)
    return found


def describe(options):
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    memory = int(re.search(r"MemTotal:\s*(\d+)", open("/proc/meminfo").read())[1])
    return {"cpu": cpu[1] if cpu else platform.processor(), "processors": os.cpu_count(),
            "memory_gb": round(memory / 1e6, 1), "system": f"{platform.system()} {platform.release()}",
            "threads": options.threads}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, required=True, help="folder of the GGUF files")
    parser.add_argument("--only", nargs="*", default=[], help="their names without .gguf; all that make_model.py made if left out")
    parser.add_argument("--deepstack", default=str(HERE.parent.parent / "deepstack"))
    parser.add_argument("--llama-bench", help="command that starts llama-bench, for instance 'chroot FOLDER llama-bench'")
    parser.add_argument("--llama-models", help="where --models is seen by that command, if elsewhere")
    parser.add_argument("--node-folder", help="folder whose node_modules has node-llama-cpp")
    parser.add_argument("--jlama-lib", help="folder of Jlama's jars")
    parser.add_argument("--jlama-folder", help="model folder that JlamaBench.java quantised")
    parser.add_argument("--jlama-beside", default="dense-q4_0", help="GGUF model that Jlama's folder stands beside")
    parser.add_argument("--java", default="java", help="a JDK 25 for Jlama")
    parser.add_argument("--wrapper", default="", help="command that every measurement is started by (priority, pinning)")
    parser.add_argument("--work", default="/tmp", help="folder for the compiled bandwidth probe")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kv-type", default="f16", help="DeepStack's caches; llama.cpp keeps its own in f16")
    parser.add_argument("--rounds", type=int, default=5, help="of answers")
    parser.add_argument("--prompt-rounds", type=int, default=2, help="of prompts")
    parser.add_argument("--repeats", type=int, default=2, help="within a run")
    parser.add_argument("--gen", type=int, default=64)
    parser.add_argument("--contexts", type=int, nargs="*", default=[64, 256, 512, 1024, 2048])
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 2, 4, 8, 16])
    parser.add_argument("--sweep", nargs="*", default=[], help="models whose step time is measured against context and batch")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="results; runs already in it are kept")
    return parser.parse_args()


def main():
    options = parse()
    names = options.only or sorted(p.name[:-len(".gguf.json")] for p in options.models.glob("*.gguf.json"))
    models = [options.models / f"{name}.gguf" for name in names] if options.rounds + options.prompt_rounds else []
    machine = Machine(options)
    deepstack = DeepStack(machine, options)
    peers = [deepstack]
    if options.llama_bench:
        peers.append(LlamaBench(machine, options))
    if options.node_folder:
        peers.append(NodeLlama(machine, options))
    if options.jlama_lib:
        peers.append(Jlama(machine, options))
    results = json.loads(options.out.read_text()) if options.out.exists() else {"runs": [], "sweeps": []}
    results["machine"] = describe(options)
    results["date"] = time.strftime("%Y-%m-%d")
    results.setdefault("models", {}).update(
        {m.stem: json.loads(m.with_name(m.name + ".json").read_text()) for m in models})

    def save(_=None):
        options.out.write_text(json.dumps(results, indent=1) + "\n")

    alternate(machine, peers, models, "decode", options.rounds, results["runs"], save)
    alternate(machine, peers, models, "prefill", options.prompt_rounds, results["runs"], save)
    results["sweeps"] = [s for s in results["sweeps"] if s["model"] not in options.sweep] + sweeps(
        machine, deepstack, [options.models / f"{name}.gguf" for name in options.sweep], options)
    save()


if __name__ == "__main__":
    main()
