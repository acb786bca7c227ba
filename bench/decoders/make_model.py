"""Writes a decoder with random weights in a real shape as a GGUF file, for timing and for comparing engines.

    pip install numpy
    python make_model.py dense q4_0 dense-q4_0.gguf

Shapes: `dense` (22 layers, hidden 2048, 1.1 billion parameters, Llama), `moe` (16 layers, 64 experts of which 8 are
chosen, 6.9 billion parameters of which 1.2 are used per token, OLMoE), `small` (4 layers, hidden 256, Llama).
Formats: bf16, q8_0, q4_0, q4_k (with Q6_K where llama.cpp's Q4_K_M recipe puts it), mxfp4 (only the experts, the rest
q8_0). The numbers mean nothing: answers are noise, times are real. Beside the file lies a .json with the bytes of all
weights and of those read for one token.
"""

import argparse
import dataclasses
import json
import pathlib
import struct

import numpy as np

SPREAD = 0.02  # standard deviation of the weights
POOL_BYTES = 16 << 20  # weights are pieces of a pool of random blocks, so that gigabytes are written in seconds
ALIGN = 32


@dataclasses.dataclass(frozen=True)
class Format:
    """A storage format: its number in GGUF, weights and bytes of a block, and how random blocks are drawn."""

    code: int
    weights: int
    bytes: int
    draw: object

    def size(self, elements):
        return elements // self.weights * self.bytes


def f16(value, count):
    return np.full((count, 1), value, np.float16).view(np.uint8)


def octets(random, count, width):
    return random.integers(0, 256, (count, width), np.uint8)


def draw_f32(random, n):
    return random.normal(0, SPREAD, (n, 1)).astype(np.float32).view(np.uint8)


def draw_bf16(random, n):
    return (random.normal(0, SPREAD, (n, 1)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)


def draw_q8_0(random, n):
    codes = random.integers(-127, 128, (n, 32), np.int8).view(np.uint8)
    return np.hstack([f16(SPREAD / 73.3, n), codes])  # 73.3: deviation of the codes


def draw_q4_0(random, n):
    return np.hstack([f16(SPREAD / 4.61, n), octets(random, n, 16)])


def draw_q4_k(random, n):
    # Weight = d * scale * code - dmin * minimum, scales and minima uniform in 0..63 (mean 31.5), codes in 0..15 (mean 7.5).
    d = SPREAD / 180
    return np.hstack([f16(d, n), f16(7.5 * d, n), octets(random, n, 12), octets(random, n, 128)])


def draw_q6_k(random, n):
    scales = random.integers(-127, 128, (n, 16), np.int8).view(np.uint8)
    return np.hstack([octets(random, n, 128), octets(random, n, 64), scales, f16(SPREAD / (73.3 * 18.5), n)])


def draw_mxfp4(random, n):
    return np.hstack([np.full((n, 1), 127 - 7, np.uint8), octets(random, n, 16)])


FORMATS = {
    "f32": Format(0, 1, 4, draw_f32),
    "q4_0": Format(2, 32, 18, draw_q4_0),
    "q8_0": Format(8, 32, 34, draw_q8_0),
    "q4_k": Format(12, 256, 144, draw_q4_k),
    "q6_k": Format(14, 256, 210, draw_q6_k),
    "bf16": Format(30, 1, 2, draw_bf16),
    "mxfp4": Format(39, 32, 17, draw_mxfp4),
}
FILE_TYPES = {"bf16": 32, "q8_0": 7, "q4_0": 2, "q4_k": 15, "mxfp4": 38}


@dataclasses.dataclass(frozen=True)
class Shape:
    family: str
    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    vocabulary: int
    experts: int = 0
    chosen: int = 0


SHAPES = {
    "dense": Shape("llama", 22, 2048, 5632, 32, 4, 32000),
    "moe": Shape("olmoe", 16, 2048, 1024, 16, 16, 50304, 64, 8),
    "small": Shape("llama", 4, 256, 768, 8, 4, 2048),
}


class Tensor:
    def __init__(self, name, shape, format, share=1.0):
        """`shape` has the contiguous axis first; `share` is the part read for one token; norms (one axis) are ones"""
        self.name, self.shape, self.format, self.share = name, shape, FORMATS[format], share
        self.bytes = self.format.size(int(np.prod(shape)))


def tensors(shape, format):
    """all tensors of the model in the order of the file"""
    h, kv = shape.hidden, shape.hidden // shape.heads * shape.kv_heads
    plain = "q8_0" if format == "mxfp4" else format
    output = "q6_k" if format in ("q4_0", "q4_k") else plain

    def finer(layer):
        """llama.cpp's recipe keeps values and downward projections of every third layer in Q6_K"""
        early = shape.layers // 8
        more = layer < early or layer >= 7 * shape.layers // 8 or (layer - early) % 3 == 2
        return "q6_k" if plain == "q4_k" and more else plain

    yield Tensor("token_embd.weight", (h, shape.vocabulary), plain, 1 / shape.vocabulary)
    for i in range(shape.layers):
        at = f"blk.{i}."
        yield Tensor(at + "attn_norm.weight", (h,), "f32")
        yield Tensor(at + "attn_q.weight", (h, h), plain)
        yield Tensor(at + "attn_k.weight", (h, kv), plain)
        yield Tensor(at + "attn_v.weight", (h, kv), finer(i))
        yield Tensor(at + "attn_output.weight", (h, h), plain)
        yield Tensor(at + "ffn_norm.weight", (h,), "f32")
        if not shape.experts:
            yield Tensor(at + "ffn_gate.weight", (h, shape.inner), plain)
            yield Tensor(at + "ffn_up.weight", (h, shape.inner), plain)
            yield Tensor(at + "ffn_down.weight", (shape.inner, h), finer(i))
            continue
        yield Tensor(at + "attn_q_norm.weight", (h,), "f32")
        yield Tensor(at + "attn_k_norm.weight", (kv,), "f32")
        yield Tensor(at + "ffn_gate_inp.weight", (h, shape.experts), "f32")
        expert = format if format == "mxfp4" else plain
        share = shape.chosen / shape.experts
        yield Tensor(at + "ffn_gate_exps.weight", (h, shape.inner, shape.experts), expert, share)
        yield Tensor(at + "ffn_up_exps.weight", (h, shape.inner, shape.experts), expert, share)
        down = format if format == "mxfp4" else finer(i)
        yield Tensor(at + "ffn_down_exps.weight", (shape.inner, h, shape.experts), down, share)
    yield Tensor("output_norm.weight", (h,), "f32")
    yield Tensor("output.weight", (h, shape.vocabulary), output)


def text(value):
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def entry(key, value):
    """one key with its value, typed by the Python type; lists hold one type"""
    if isinstance(value, list):
        kind = {str: 8, int: 5, float: 6}[type(value[0])]
        head = struct.pack("<IIQ", 9, kind, len(value))
        body = b"".join(map(text, value)) if kind == 8 else np.array(value, "<i4" if kind == 5 else "<f4").tobytes()
        return text(key) + head + body
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    return text(key) + struct.pack("<II", 4, value)


def metadata(shape, format):
    """SentencePiece vocabulary: three special tokens, the 256 bytes, then words w0, w1, ..."""
    words = shape.vocabulary - 259
    at = shape.family + "."
    entries = {
        "general.architecture": shape.family,
        "general.name": f"random weights, {format}",
        "general.file_type": FILE_TYPES[format],
        "general.quantization_version": 2,
        at + "block_count": shape.layers,
        at + "context_length": 4096,
        at + "embedding_length": shape.hidden,
        at + "feed_forward_length": shape.inner,
        at + "attention.head_count": shape.heads,
        at + "attention.head_count_kv": shape.kv_heads,
        at + "attention.layer_norm_rms_epsilon": 1e-5,
        at + "vocab_size": shape.vocabulary,
        at + "rope.freq_base": 10000.0,
        at + "rope.dimension_count": shape.hidden // shape.heads,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
        + [f"\u2581w{i}" for i in range(words)],
        "tokenizer.ggml.scores": [-float(i) for i in range(shape.vocabulary)],
        "tokenizer.ggml.token_type": [2, 3, 3] + [6] * 256 + [1] * words,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    if shape.experts:
        entries[at + "expert_count"] = shape.experts
        entries[at + "expert_used_count"] = shape.chosen
    return entries


class Pools:
    """random blocks per format, cut into weights from a new place each time"""

    def __init__(self, random):
        self.random, self.pools = random, {}

    def write(self, file, tensor):
        format = tensor.format
        if tensor.name == "output.weight":
            # Equal rows would make equal logits, and a choice between these says nothing.
            format.draw(self.random, tensor.bytes // format.bytes).tofile(file)
            return
        if format.code not in self.pools:
            self.pools[format.code] = np.ascontiguousarray(
                format.draw(self.random, POOL_BYTES // format.bytes)).reshape(-1)
        pool, left = self.pools[format.code], tensor.bytes
        while left:
            start = int(self.random.integers(0, pool.size // format.bytes // 2)) * format.bytes
            piece = pool[start:start + left]
            piece.tofile(file)
            left -= piece.size


def pad(size):
    return -size % ALIGN


def write(shape, format, path, seed):
    all_tensors = list(tensors(shape, format))
    entries = metadata(shape, format)
    directory, at = [], 0
    for tensor in all_tensors:
        directory.append(text(tensor.name) + struct.pack(f"<I{len(tensor.shape)}QIQ", len(tensor.shape), *tensor.shape,
                                                         tensor.format.code, at))
        at += tensor.bytes + pad(tensor.bytes)
    pools = Pools(np.random.default_rng(seed))
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(all_tensors), len(entries)))
        file.write(b"".join(entry(*item) for item in entries.items()) + b"".join(directory))
        file.write(bytes(pad(file.tell())))
        for tensor in all_tensors:
            if len(tensor.shape) == 1:
                np.ones(tensor.shape, np.float32).tofile(file)
            else:
                pools.write(file, tensor)
            file.write(bytes(pad(tensor.bytes)))
    facts = {
        "format": format,
        "bytes": sum(tensor.bytes for tensor in all_tensors),
        "bytes_per_token": round(sum(tensor.bytes * tensor.share for tensor in all_tensors)),
    }
    pathlib.Path(f"{path}.json").write_text(json.dumps(facts) + "\n")
    return facts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("format", choices=FILE_TYPES)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(options.out, write(SHAPES[options.shape], options.format, options.out, options.seed))
