"""Compares DeepStack's greedy answers and logits with llama.cpp's on the same GGUF files, token by token, and both with
the exact logits of the same weights (exact.py, float64).

    pip install numpy gguf safetensors
    python greedy.py --models FOLDER --llama-server 'llama-server' --out ../results/greedy.json
    python greedy.py --out ../results/greedy.json --table      # the table of docs/benchmarks.md

DeepStack answers greedily; then every engine, and exact.py, says its logits for each token of that answer. Both engines
round activations to 8 bits where weights are stored in blocks, so neither is exact, and after a few layers of random weights their
rounding errors have nothing to do with each other. Where they choose different tokens, the exact logits say who is right
and how narrow it was: `margin` is how much larger the exact logit of the right token is than that of the other, as a part of
the spread of all logits, and `margin_in_errors` the same in units of DeepStack's error there (root mean square). `rms` are the
errors as a part of the spread, `nearer` counts the tokens for which DeepStack's is the smaller one, and `largest_f32` is
DeepStack's largest error with f32 activations: what there is beside the rounding.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import tempfile
import time
import urllib.request

import numpy as np
from exact import logits as exact_logits
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
WORDS = 259  # make_model.py's vocabulary begins with three special tokens and 256 bytes
PROMPT = [1]  # a single token, so that all engines compute every token by itself


def ask(port, path, body=None, limit=120):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=limit) as answer:
        return json.loads(answer.read())


def wait_until_ready(port, seconds):
    end = time.time() + seconds
    while True:
        try:
            return ask(port, "/health", limit=2)
        except OSError:
            if time.time() > end:
                raise
            time.sleep(0.5)


def llama_logits(options, model, tokens, first, vocabulary):
    """logarithms of probabilities after each of tokens[first:], [count, vocabulary]"""
    folder = options.llama_models or str(model.parent)
    server = subprocess.Popen(
        shlex.split(options.llama_server) + ["-m", f"{folder}/{model.name}", "-t", str(options.threads), "--port",
                                             str(options.port), "-c", "512", "--no-warmup", "-np", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = np.full((len(tokens) - first, vocabulary), np.nan)
    try:
        wait_until_ready(options.port, 120)
        for i in range(first, len(tokens)):
            answer = ask(options.port, "/completion", {
                "prompt": tokens[:i + 1], "n_predict": 1, "temperature": 0, "n_probs": vocabulary, "cache_prompt": True,
                # An answer without text comes without probabilities; those given are the model's own, without this.
                "logit_bias": [[t, False] for t in range(WORDS)]})
            for entry in answer["completion_probabilities"][0]["top_logprobs"]:
                found[i - first, entry["id"]] = entry["logprob"]
    finally:
        server.terminate()
        server.wait()
    return found


def deepstack_tokens(options, model):
    command = [options.deepstack, "run", str(model), "--prompt-ids", ",".join(map(str, PROMPT)), "--temperature", "0",
               "--max-tokens", str(options.tokens), "--ignore-end", "--threads", str(options.threads), "--json",
               "--no-pack"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{model}: {done.stderr.strip()[-300:]}")
    return json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])["token_ids"]


def deepstack_logits(options, model, tokens, exact):
    """logits as generation computes them, and the largest error with f32 activations"""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "model.gguf").symlink_to(model.resolve())
        save_file({"input_ids": np.array(tokens), "logits": exact.astype(np.float32),
                   "greedy_ids": np.zeros(0, np.int64)}, folder / "golden.safetensors")
        (folder / "golden.json").write_text(json.dumps({"atol": 1e-3 * float(exact.std()), "rtol": 0}))
        command = [options.deepstack, "verify", str(folder), "--logits", str(folder / "ours.safetensors"), "--threads",
                   str(options.threads), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if not (folder / "ours.safetensors").exists():
            raise SystemExit(f"{model}: {done.stderr.strip()[-300:]}")
        checks = json.loads(done.stdout)["files"][0]["steps"]
        plain = [c["largest_error"] for c in checks if "8-bit" not in c["check"]]
        return load_file(folder / "ours.safetensors")["logits"].astype(float), max(plain)


def centred(x):
    """without the constant that a softmax does not see"""
    return x - x.mean(-1, keepdims=True)


def compare(options, model):
    ours = deepstack_tokens(options, model)
    tokens, first = PROMPT + ours[:-1], len(PROMPT) - 1
    exact = exact_logits(model, tokens)
    mine, f32 = deepstack_logits(options, model, tokens, exact)
    theirs = llama_logits(options, model, tokens, first, exact.shape[1])
    exact, mine, theirs = centred(exact[first:]), centred(mine[first:]), centred(theirs)
    rms = {"deepstack": mine - exact, "llama.cpp": theirs - exact}
    rms = {engine: np.sqrt((error * error).mean(-1)) for engine, error in rms.items()}
    differences = []
    for i in range(len(ours)):
        token, other, best = (int(x[i].argmax()) for x in (mine, theirs, exact))
        if other == token:
            continue
        wrong = other if best == token else token
        differences.append({
            "token": i, "deepstack": token, "llama.cpp": other, "exact": best,
            "margin": round(float(exact[i, best] - exact[i, wrong]) / float(exact.std()), 5),
            "margin_in_errors": round(float((exact[i, best] - exact[i, wrong]) / rms["deepstack"][i]), 2),
            "margin_deepstack": round(float(mine[i, token] - mine[i, other]) / float(exact.std()), 5),
            "margin_llama.cpp": round(float(theirs[i, other] - theirs[i, token]) / float(exact.std()), 5)})
    right = {"deepstack": mine, "llama.cpp": theirs}
    return {"model": model.stem, "tokens": len(ours), "answer_is_largest": int((mine.argmax(-1) == np.array(ours)).sum()), "same": len(ours) - len(differences),
            "exact_choice": {engine: int((x.argmax(-1) == exact.argmax(-1)).sum()) for engine, x in right.items()},
            "rms": {engine: round(float(np.sqrt((error ** 2).mean()) / exact.std()), 6) for engine, error in rms.items()},
            "nearer": int((rms["deepstack"] < rms["llama.cpp"]).sum()),
            "largest_f32": round(f32 / float(exact.std()), 8), "differences": differences}


NAMES = {"dense": "1.1B", "moe": "7B-A1.2B"}


def percent(share):
    return f"{100 * share:.2g} %"


def table(results):
    yield ("| greedy, 64 tokens | same | the exact choice: DeepStack | llama.cpp | error of logits: DeepStack | llama.cpp "
           "| largest with f32 activations | exact margins where they differ |")
    yield "|---|---|---|---|---|---|---|---|"
    for r in results["greedy"]:
        shape, form = r["model"].split("-", 1)
        margins = sorted(d["margin"] for d in r["differences"])
        spread = f"{percent(margins[0])} to {percent(margins[-1])}" if margins else ""
        yield (f"| {NAMES.get(shape, shape)} {form.upper()} | {r['same']} | {r['exact_choice']['deepstack']} "
               f"| {r['exact_choice']['llama.cpp']} | {percent(r['rms']['deepstack'])} | {percent(r['rms']['llama.cpp'])} "
               f"| {percent(r['largest_f32'])} | {spread} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--deepstack", default=str(HERE.parent.parent / "deepstack"))
    parser.add_argument("--llama-server", help="command that starts llama-server")
    parser.add_argument("--llama-models", help="where --models is seen by that command, if elsewhere")
    parser.add_argument("--port", type=int, default=18080)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="results, to which this is added")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the results")
    options = parser.parse_args()
    if options.table:
        print("\n".join(table(json.loads(options.out.read_text()))))
        return
    names = options.only or sorted(p.name[:-len(".gguf.json")] for p in options.models.glob("*.gguf.json"))
    for name in names:
        found = compare(options, options.models / f"{name}.gguf")
        print(json.dumps(found), flush=True)
        results = json.loads(options.out.read_text()) if options.out.exists() else {}
        results["greedy"] = [g for g in results.get("greedy", []) if g["model"] != name] + [found]
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
