"""Writes the dense shape of make_model.py as a Hugging Face checkpoint folder in bf16, for engines that read no GGUF.

    python make_folder.py FOLDER
"""

import json
import pathlib
import struct
import sys

import numpy as np

from make_model import POOL_BYTES, SHAPES, draw_bf16

NAMES = (("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"), ("attn_v", "self_attn.v_proj"),
         ("attn_output", "self_attn.o_proj"), ("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"),
         ("ffn_down", "mlp.down_proj"))


def tensors(shape):
    h, kv, inner = shape.hidden, shape.hidden // shape.heads * shape.kv_heads, shape.inner
    sizes = dict(zip(NAMES, ([h, h], [kv, h], [kv, h], [h, h], [inner, h], [inner, h], [h, inner])))
    yield "model.embed_tokens.weight", [shape.vocabulary, h]
    yield "lm_head.weight", [shape.vocabulary, h]
    yield "model.norm.weight", [h]
    for i in range(shape.layers):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", [h]
        yield at + "post_attention_layernorm.weight", [h]
        for (_, name), size in sizes.items():
            yield f"{at}{name}.weight", size


def write_weights(path, shape):
    random = np.random.default_rng(1)
    pool = draw_bf16(random, POOL_BYTES // 2).tobytes()
    header, at = {}, 0
    for name, size in tensors(shape):
        bytes_ = 2 * int(np.prod(size))
        header[name] = {"dtype": "BF16", "shape": size, "data_offsets": [at, at + bytes_]}
        at += bytes_
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, size in tensors(shape):
            left = 2 * int(np.prod(size))
            if len(size) == 1:
                file.write(b"\x80\x3f" * (left // 2))
                continue
            while left:
                start = 2 * int(random.integers(0, len(pool) // 4))
                piece = pool[start:start + min(left, len(pool) // 2)]
                file.write(piece)
                left -= len(piece)


def main():
    folder, shape = pathlib.Path(sys.argv[1]), SHAPES["dense"]
    folder.mkdir(parents=True, exist_ok=True)
    words = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    words += [f"\u2581w{i}" for i in range(shape.vocabulary - len(words))]
    special = [{"id": i, "content": words[i], "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True} for i in range(3)]
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": shape.hidden,
        "intermediate_size": shape.inner, "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads, "vocab_size": shape.vocabulary, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "max_position_embeddings": 4096, "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "tie_word_embeddings": False, "torch_dtype": "bfloat16"}))
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
        "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True,
            "vocab": {word: i for i, word in enumerate(words)}, "merges": []}}))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer"}))
    (folder / "README.md").write_text("Random weights, for timing.\n")  # Jlama copies it when it quantises
    write_weights(folder / "model.safetensors", shape)


if __name__ == "__main__":
    main()
