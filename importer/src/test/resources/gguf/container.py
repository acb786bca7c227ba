#!/usr/bin/env python3
"""Writes container.gguf beside this file with the `gguf` package: every type of metadata value, and tensors of several
formats, ranks and sizes. Needs numpy and gguf."""
import pathlib
import gguf
import numpy as np
from gguf import GGMLQuantizationType as T, GGUFValueType as V

w = gguf.GGUFWriter(pathlib.Path(__file__).with_name('container.gguf'), 'llama')
w.add_uint8('v.u8', 200)
w.add_int8('v.i8', -7)
w.add_uint16('v.u16', 60000)
w.add_int16('v.i16', -30000)
w.add_uint32('v.u32', 4000000000)
w.add_int32('v.i32', -2000000000)
w.add_uint64('v.u64', 2**63 + 5)
w.add_int64('v.i64', -2**62)
w.add_float32('v.f32', 0.1)
w.add_float64('v.f64', 0.1)
w.add_bool('v.yes', True)
w.add_bool('v.no', False)
w.add_string('v.text', 'naïve 日本 🙂')
w.add_array('a.i32', [1, -2, 3])
w.add_array('a.f32', [0.5, -1.25])
w.add_array('a.text', ['x', '', 'ü'])
w.add_array('a.bool', [True, False, True])
w.add_array('a.bytes', bytes([1, 2, 255]))
rng = np.random.default_rng(3)
w.add_tensor('vector', np.arange(5, dtype=np.float32))
w.add_tensor('matrix', np.arange(12, dtype=np.float16).reshape(3, 4))
w.add_tensor('experts', np.arange(24, dtype=np.float32).reshape(2, 3, 4))
blocks = gguf.quants.quantize(rng.normal(0, 1, (3, 64)).astype(np.float32), T.Q8_0)
w.add_tensor('blocks', blocks, raw_dtype=T.Q8_0)
w.add_tensor('scalar', np.array([7], dtype=np.int32))
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
