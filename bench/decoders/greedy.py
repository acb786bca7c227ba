"""Compares DeepStack's greedy answers with llama.cpp's on the same GGUF files, token by token.

    python greedy.py --models FOLDER --llama-server 'llama-server' --out ../results/decoders.json

llama.cpp gets the prompt and DeepStack's answer so far, one token at a time, and says its most likely tokens. Where its
choice differs, the margin is how much less likely (in natural logarithms) it finds DeepStack's token than its own: with
random weights many tokens are close, and llama.cpp rounds activations to 8 bits. A margin below the tolerance is a tie.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PROMPT = [1, 900, 1234, 1777, 301, 1999, 555, 1024]


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


def likely(port, tokens, count):
    """llama.cpp's most likely next tokens as {token: log probability}"""
    answer = ask(port, "/completion", {"prompt": tokens, "n_predict": 1, "temperature": 0, "n_probs": count,
                                       "cache_prompt": True})
    return {e["id"]: e["logprob"] for e in answer["completion_probabilities"][0]["top_logprobs"]}


def compare(options, model):
    command = [options.deepstack, "run", str(model), "--prompt-ids", ",".join(map(str, PROMPT)), "--temperature", "0",
               "--max-tokens", str(options.tokens), "--ignore-end", "--threads", str(options.threads), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"model": model.stem, "error": done.stderr.strip()[-300:]}
    ours = json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])["token_ids"]
    folder = options.llama_models or str(model.parent)
    server = subprocess.Popen(
        shlex.split(options.llama_server) + ["-m", f"{folder}/{model.name}", "-t", str(options.threads), "--port",
                                             str(options.port), "-c", "512", "--no-warmup", "-np", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    same, ties, worst = 0, 0, 0.0
    try:
        wait_until_ready(options.port, 120)
        for i, token in enumerate(ours):
            found = likely(options.port, PROMPT + ours[:i], 64)
            best = max(found, key=found.get)
            if best == token:
                same += 1
                continue
            margin = found[best] - found.get(token, float("-inf"))
            worst = max(worst, margin)
            ties += margin < options.tolerance
    finally:
        server.terminate()
        server.wait()
    return {"model": model.stem, "tokens": len(ours), "same": same, "ties": ties,
            "different": len(ours) - same - ties, "largest_margin": round(worst, 4) if worst < 1e9 else "outside the top 64"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--deepstack", default=str(HERE.parent.parent / "deepstack"))
    parser.add_argument("--llama-server", required=True, help="command that starts llama-server")
    parser.add_argument("--llama-models", help="where --models is seen by that command, if elsewhere")
    parser.add_argument("--port", type=int, default=18080)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--tolerance", type=float, default=0.1, help="difference of log probabilities that counts as a tie")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="results of run.py, to which this is added")
    options = parser.parse_args()
    names = options.only or sorted(p.name[:-len(".gguf.json")] for p in options.models.glob("*.gguf.json"))
    found = []
    for name in names:
        found.append(compare(options, options.models / f"{name}.gguf"))
        print(json.dumps(found[-1]), flush=True)
    results = json.loads(options.out.read_text())
    kept = [g for g in results.get("greedy", []) if g["model"] not in names]
    results["greedy"] = kept + found
    options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
