"""Writes the dense shape of make_model.py as a checkpoint folder with random bf16 weights, for engines without GGUF.

    pip install numpy
    python make_checkpoint.py FOLDER
"""

import json
import pathlib
import struct
import sys

import numpy as np

from make_model import POOL_BYTES, SHAPES, draw_bf16


def tensors(shape):
    h, kv = shape.hidden, shape.hidden // shape.heads * shape.kv_heads
    yield "model.embed_tokens.weight", [shape.vocabulary, h]
    for i in range(shape.layers):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", [h]
        yield at + "self_attn.q_proj.weight", [h, h]
        yield at + "self_attn.k_proj.weight", [kv, h]
        yield at + "self_attn.v_proj.weight", [kv, h]
        yield at + "self_attn.o_proj.weight", [h, h]
        yield at + "post_attention_layernorm.weight", [h]
        yield at + "mlp.gate_proj.weight", [shape.inner, h]
        yield at + "mlp.up_proj.weight", [shape.inner, h]
        yield at + "mlp.down_proj.weight", [h, shape.inner]
    yield "model.norm.weight", [h]
    yield "lm_head.weight", [shape.vocabulary, h]


def config(shape):
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": shape.hidden,
        "intermediate_size": shape.inner, "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads, "vocab_size": shape.vocabulary, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "max_position_embeddings": 4096, "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "tie_word_embeddings": False, "torch_dtype": "bfloat16"}


def tokenizer(shape):
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    tokens += [f"\u2581w{i}" for i in range(shape.vocabulary - len(tokens))]
    special = [{"id": i, "content": tokens[i], "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True} for i in range(3)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
        "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True,
                  "vocab": {token: i for i, token in enumerate(tokens)}, "merges": []}}


def write(shape, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(shape)))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(shape)))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer"}))
    (folder / "README.md").write_text("Random weights.\n")  # Jlama copies it
    all_tensors, header, at = list(tensors(shape)), {}, 0
    for name, dims in all_tensors:
        size = 2 * int(np.prod(dims))
        header[name] = {"dtype": "BF16", "shape": dims, "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    random = np.random.default_rng(1)
    pool = np.ascontiguousarray(draw_bf16(random, POOL_BYTES // 2)).reshape(-1)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for _, dims in all_tensors:
            if len(dims) == 1:
                np.full(dims, 0x3F80, np.uint16).tofile(file)  # ones
                continue
            left = 2 * int(np.prod(dims))
            while left:
                start = 2 * int(random.integers(0, pool.size // 4))
                piece = pool[start:start + left]
                piece.tofile(file)
                left -= piece.size


if __name__ == "__main__":
    write(SHAPES["dense"], pathlib.Path(sys.argv[1]))
