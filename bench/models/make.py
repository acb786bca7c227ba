"""Writes the graphs of the overhead benchmark: the same weights as .pt2, TorchScript and ONNX.

    pip install torch==2.14.1 safetensors numpy onnx
    python make.py

`transformer`: 4 decoder layers, hidden 64, 4 heads, inner 256, one row against a constant cache of 32 entries.
`chain`: 200 dependent elementwise operators on 64 floats. Run by hand; the results are committed.
"""

import pathlib

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
HIDDEN, HEADS, INNER, CACHED, LAYERS, LINKS = 64, 4, 256, 32, 4, 100
WIDTH = HIDDEN // HEADS


class RmsNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(HIDDEN) + 0.5)

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


class Layer(nn.Module):
    """one query row against CACHED constant keys and its own"""

    def __init__(self):
        super().__init__()
        self.n1, self.n2 = RmsNorm(), RmsNorm()
        self.q, self.k, self.v, self.o = (nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in range(4))
        self.g, self.u = nn.Linear(HIDDEN, INNER, bias=False), nn.Linear(HIDDEN, INNER, bias=False)
        self.d = nn.Linear(INNER, HIDDEN, bias=False)
        angle = CACHED / 10000.0 ** (torch.arange(0, WIDTH, 2) / WIDTH)
        angle = torch.cat([angle, angle])
        for name, value in dict(
            ck=torch.randn(HEADS, CACHED, WIDTH),
            cv=torch.randn(HEADS, CACHED, WIDTH),
            cos=angle.cos(),
            sin=angle.sin(),
        ).items():
            self.register_buffer(name, value)

    def rope(self, x):
        a, b = x[..., : WIDTH // 2], x[..., WIDTH // 2 :]
        return x * self.cos + torch.cat([-b, a], -1) * self.sin

    def forward(self, x):
        h = self.n1(x)
        q, k, v = (p(h).view(-1, HEADS, WIDTH).transpose(0, 1) for p in (self.q, self.k, self.v))
        k = torch.cat([self.ck, self.rope(k)], 1)
        v = torch.cat([self.cv, v], 1)
        a = torch.softmax(self.rope(q) @ k.transpose(1, 2) * WIDTH**-0.5, -1) @ v
        x = x + self.o(a.transpose(0, 1).reshape(-1, HIDDEN))
        h = self.n2(x)
        return x + self.d(F.silu(self.g(h)) * self.u(h))


class Chain(nn.Module):
    def forward(self, x):
        for _ in range(LINKS):
            x = x * 0.999
            x = x + 0.001
        return x


class Onnx:
    """an ONNX graph under construction: `op` adds a node, `const` an initializer"""

    def __init__(self):
        self.nodes, self.constants = [], []

    def const(self, value, kind=np.float32):
        name = f"c{len(self.constants)}"
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value, kind)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def save(self, path, result, shape):
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            path.stem,
            [value("x", TensorProto.FLOAT, shape)],
            [value(result, TensorProto.FLOAT, shape)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
        model.ir_version = 9
        onnx.checker.check_model(model)
        onnx.save(model, path)
        print(path.name, len(self.nodes), "nodes")


def onnx_transformer(model, path):
    g = Onnx()
    ints = lambda *v: g.const(v, np.int64)
    two, eps, scale = g.const(2), g.const(1e-5), g.const(WIDTH**-0.5)
    by_head, flat, last = ints(-1, HEADS, WIDTH), ints(-1, HIDDEN), ints(-1)
    begin, middle, end, axis = ints(0), ints(WIDTH // 2), ints(WIDTH), ints(2)

    def norm(x, m):
        mean = g.op("ReduceMean", g.op("Pow", x, two), last, keepdims=1)
        inverse = g.op("Reciprocal", g.op("Sqrt", g.op("Add", mean, eps)))
        return g.op("Mul", g.op("Mul", x, inverse), g.const(m.weight))

    def linear(x, m):
        return g.op("MatMul", x, g.const(m.weight.t()))

    def rope(x, m):
        a, b = g.op("Slice", x, begin, middle, axis), g.op("Slice", x, middle, end, axis)
        turned = g.op("Concat", g.op("Neg", b), a, axis=2)
        return g.op("Add", g.op("Mul", x, g.const(m.cos)), g.op("Mul", turned, g.const(m.sin)))

    x = "x"
    for m in model:
        h = norm(x, m.n1)
        q, k, v = (
            g.op("Transpose", g.op("Reshape", linear(h, p), by_head), perm=[1, 0, 2]) for p in (m.q, m.k, m.v)
        )
        k = g.op("Concat", g.const(m.ck), rope(k, m), axis=1)
        v = g.op("Concat", g.const(m.cv), v, axis=1)
        w = g.op("Mul", g.op("MatMul", rope(q, m), g.op("Transpose", k, perm=[0, 2, 1])), scale)
        a = g.op("MatMul", g.op("Softmax", w, axis=-1), v)
        x = g.op("Add", x, linear(g.op("Reshape", g.op("Transpose", a, perm=[1, 0, 2]), flat), m.o))
        h = norm(x, m.n2)
        gate = linear(h, m.g)
        gate = g.op("Mul", gate, g.op("Sigmoid", gate))
        x = g.op("Add", x, linear(g.op("Mul", gate, linear(h, m.u)), m.d))
    g.save(path, x, [1, HIDDEN])


def onnx_chain(path):
    g = Onnx()
    factor, term, x = g.const(0.999), g.const(0.001), "x"
    for _ in range(LINKS):
        x = g.op("Add", g.op("Mul", x, factor), term)
    g.save(path, x, [HIDDEN])


def strip(program):
    for n in program.graph_module.graph.nodes:
        for key in ("stack_trace", "source_fn_stack", "torch_fn", "from_node", "nn_module_stack"):
            n.meta.pop(key, None)
    return program


def check_onnx(path, x, y):
    try:
        import onnxruntime
    except ImportError:
        return
    got = onnxruntime.InferenceSession(path).run(None, {"x": x.numpy()})[0]
    print(path.name, "differs by", np.abs(got - y.numpy()).max())


def main():
    torch.set_num_threads(1)
    torch.manual_seed(20)
    transformer = nn.Sequential(*[Layer() for _ in range(LAYERS)]).eval()
    cases = dict(
        transformer=(transformer, torch.randn(1, HIDDEN)), chain=(Chain().eval(), torch.randn(HIDDEN))
    )
    with torch.no_grad():
        for name, (model, x) in cases.items():
            y = model(x)
            torch.export.save(strip(torch.export.export(model, (x,), strict=False)), HERE / f"{name}.pt2")
            torch.jit.trace(model, x).save(HERE / f"{name}.ts")
            save_file(dict(in0=x, out0=y.clone()), HERE / f"{name}.safetensors")
    onnx_transformer(transformer, HERE / "transformer.onnx")
    onnx_chain(HERE / "chain.onnx")
    for name, (model, x) in cases.items():
        check_onnx(HERE / f"{name}.onnx", x, model(x).detach())


if __name__ == "__main__":
    main()
