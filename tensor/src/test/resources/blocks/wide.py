#!/usr/bin/env python3
"""Writes wide.safetensors beside this file: rows of 256 weights and the Q6_K blocks that llama.cpp makes of them.
usage: wide.py LLAMA_QUANTIZE, a command that takes IN.gguf OUT.gguf q6_k. Needs numpy, gguf and safetensors."""
import pathlib
import subprocess
import sys
import tempfile
import gguf
import numpy as np
from safetensors.numpy import save_file

rng = np.random.default_rng(11)
x = rng.normal(0, .05, (24, 256)).astype(np.float32)
x[1] = 0
x[2, :16] = 0
x[3] *= 1e-3
x[4] = np.arange(256) - 128
x[5] = np.abs(x[5])
x[6, :128] *= 1e-9
folder = pathlib.Path(tempfile.mkdtemp())
w = gguf.GGUFWriter(folder / 'in.gguf', 'llama')
w.add_string('tokenizer.ggml.model', 'no_vocab')
for key in ('block_count', 'attention.head_count'):
    w.add_uint32('llama.' + key, 1)
for key in ('context_length', 'embedding_length', 'feed_forward_length'):
    w.add_uint32('llama.' + key, 256)
w.add_uint32('llama.vocab_size', 24)
w.add_float32('llama.attention.layer_norm_rms_epsilon', 1e-5)
w.add_tensor('token_embd.weight', x)
w.add_tensor('output.weight', x)
for name in ('attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'):
    w.add_tensor(f'blk.0.{name}.weight', np.zeros((256, 256), np.float32))
for name in ('blk.0.attn_norm', 'blk.0.ffn_norm', 'output_norm'):
    w.add_tensor(name + '.weight', np.ones(256, np.float32))
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
subprocess.run([*sys.argv[1].split(), folder / 'in.gguf', folder / 'out.gguf', 'q6_k'], check=True)
blocks = next(t for t in gguf.GGUFReader(folder / 'out.gguf').tensors if t.name == 'output.weight').data
save_file({'rows': x, 'Q6_K': np.ascontiguousarray(blocks)}, pathlib.Path(__file__).with_name('wide.safetensors'))
