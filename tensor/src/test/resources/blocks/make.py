#!/usr/bin/env python3
"""Writes blocks.safetensors beside this file: blocks of every format with the weights that the `gguf` package reads
from them, and rows of weights with the blocks that it makes of them. Needs numpy, gguf and safetensors."""
import pathlib
import warnings
import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from safetensors.numpy import save_file

warnings.filterwarnings('ignore')
rng = np.random.default_rng(7)
# Where the f16 numbers of a block lie.
HALVES = {'Q8_0': [0], 'Q4_0': [0], 'Q4_1': [0, 2], 'Q5_0': [0], 'Q5_1': [0, 2], 'Q2_K': [80, 82], 'Q3_K': [108],
          'Q4_K': [0, 2], 'Q5_K': [0, 2], 'Q6_K': [208], 'MXFP4': []}
# Zeros, subnormals, one, the largest, infinities, NaNs.
EDGES = [0x0000, 0x8000, 0x0001, 0x83ff, 0x3c00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01]
out = {}
for name, halves in HALVES.items():
    weights, size = gguf.GGML_QUANT_SIZES[T[name]]
    n = 24 if weights == 32 else 14
    blocks = rng.integers(0, 256, (n, size), np.uint8)
    for i in range(n):
        for j, at in enumerate(halves):
            edge = EDGES[i + j] if i + j < len(EDGES) else None
            scale = rng.normal(0, 0.02) if i % 2 else np.exp(rng.normal(-4, 4))
            bits = np.array([edge], np.uint16) if edge is not None else np.array([scale], np.float16).view(np.uint16)
            blocks[i, at:at + 2] = bits.view(np.uint8)
    if name == 'MXFP4':
        blocks[:8, 0] = [0, 1, 2, 127, 128, 253, 254, 255]
    out[name + '.blocks'] = blocks
    out[name + '.weights'] = gguf.quants.dequantize(blocks, T[name])

rows = rng.normal(0, 0.02, (40, 32)).astype(np.float32)
rows[0] = 0
rows[1] = 1
rows[2] = np.arange(32) - 15.5                     # ties of the rounding
rows[3] = np.arange(32) * 4 - 62
rows[4, :] = 0
rows[4, 7] = -127
rows[4, 9] = 127                                   # the first of equal magnitudes decides the sign of Q4_0's scale
rows[5] = np.float32(1e-8) * rows[5]
rows[6] = np.float32(1e-42) * (np.arange(32) - 3)  # subnormal
rows[7] = np.where(np.arange(32) % 2, 0.25, -0.75)
rows[8] = [0, .25, .5, .75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7,
           -0, -.25, -.5, -.75, -1, -1.25, -1.5, -1.75, -2, -2.5, -3, -3.5, -4, -5, -6, -7]
rows[9] = np.nextafter(np.float32(16), np.float32(0)) * np.linspace(-1, 1, 32, dtype=np.float32)
rows[10] = 60000 * rows[10]
out['quantize.rows'] = rows
for name in ('Q8_0', 'Q4_0', 'MXFP4'):
    out['quantize.' + name] = gguf.quants.quantize(rows, T[name])
save_file(out, pathlib.Path(__file__).with_name('blocks.safetensors'))
