"""The logits that a GGUF file means: its weights decoded and multiplied in float64, one layer after another.

    pip install numpy gguf
    from exact import logits; logits(pathlib.Path("model.gguf"), [1, 900, 1234])   # float64 [tokens, vocabulary]

Nothing is shared with either engine: the blocks are decoded by the package `gguf`, and the whole sequence goes through
at once, without a cache. Architectures: llama, olmoe, deepseek2, as make_model.py and others write them. Memory: one
tensor in float64 at a time.
"""

import gguf
import numpy as np

PIECE = 1 << 25  # weights decoded at a time


class Model:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.tensors = {t.name: t for t in reader.tensors}
        self.fields = reader.fields
        self.arch = bytes(self.fields["general.architecture"].parts[-1]).decode()

    def key(self, name, missing=None):
        field = self.fields.get(f"{self.arch}.{name}")
        if field is None:
            return missing
        return field.parts[-1][0]

    def has(self, name):
        return name in self.tensors

    def rows(self, name, first=0, count=None):
        """rows of a tensor as float64, the leading axes flattened"""
        tensor = self.tensors[name]
        data = tensor.data.reshape(-1, tensor.data.shape[-1])
        return gguf.quants.dequantize(data[first:first + (count or len(data))], tensor.tensor_type).astype(np.float64)

    def vector(self, name):
        return self.rows(name).reshape(-1)

    def times(self, x, name, first=0, count=None):
        """x W^T, some rows at a time"""
        width = x.shape[-1]
        tensor = self.tensors[name]
        count = count or int(np.prod(tensor.shape)) // int(tensor.shape[0])
        step = max(1, PIECE // width)
        parts = [x @ self.rows(name, first + i, min(step, count - i)).T for i in range(0, count, step)]
        return np.concatenate(parts, -1)


def norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def silu(x):
    return x / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rope(x, theta, pairs):
    """x [tokens, heads, dims], `pairs` "adjacent" or "halves"; frequencies are f32, as in the engines"""
    dims = x.shape[-1]
    frequencies = (1 / np.float32(theta) ** (np.arange(0, dims, 2, dtype=np.float32) / np.float32(dims))).astype(float)
    angle = np.arange(len(x))[:, None, None] * frequencies
    a, b = (x[..., 0::2], x[..., 1::2]) if pairs == "adjacent" else (x[..., :dims // 2], x[..., dims // 2:])
    turned = a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)
    return np.stack(turned, -1).reshape(x.shape) if pairs == "adjacent" else np.concatenate(turned, -1)


def attend(q, k, v, scale):
    """q [t,heads,d], k [t,groups,d], v [t,groups,e]"""
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    scores = np.einsum("thd,shd->hts", q, k) * scale
    scores[:, np.triu_indices(len(q), 1)[0], np.triu_indices(len(q), 1)[1]] = -np.inf
    return np.einsum("hts,she->the", softmax(scores), v).reshape(len(q), -1)


def grouped(m, at, x, eps):
    heads, kv = int(m.key("attention.head_count")), int(m.key("attention.head_count_kv"))
    q, k, v = (m.times(x, f"{at}attn_{n}.weight") for n in "qkv")
    if m.has(at + "attn_q_norm.weight"):
        q, k = (norm(y, m.vector(f"{at}attn_{n}_norm.weight"), eps) for n, y in (("q", q), ("k", k)))
    d = q.shape[-1] // heads
    theta, pairs = m.key("rope.freq_base", 10000), "adjacent" if m.arch == "llama" else "halves"
    q = rope(q.reshape(len(x), heads, d), theta, pairs)
    k = rope(k.reshape(len(x), kv, d), theta, pairs)
    return m.times(attend(q, k, v.reshape(len(x), kv, d), d ** -0.5), at + "attn_output.weight")


def latent(m, at, x, eps):
    heads, rank, turned = (int(m.key(n)) for n in ("attention.head_count", "attention.kv_lora_rank",
                                                   "rope.dimension_count"))
    key, value = int(m.key("attention.key_length_mla")), int(m.key("attention.value_length_mla"))
    still, theta = key - turned, m.key("rope.freq_base", 10000)
    q = x
    if m.has(at + "attn_q_a.weight"):
        q = norm(m.times(x, at + "attn_q_a.weight"), m.vector(at + "attn_q_a_norm.weight"), eps)
    q = m.times(q, at + ("attn_q_b" if m.has(at + "attn_q_a.weight") else "attn_q") + ".weight")
    q = q.reshape(len(x), heads, key)
    both = m.times(x, at + "attn_kv_a_mqa.weight")
    low = norm(both[:, :rank], m.vector(at + "attn_kv_a_norm.weight"), eps)
    # attn_k_b is stored [heads, rank, still], attn_v_b [heads, value, rank].
    k = np.einsum("tr,hrd->thd", low, m.rows(at + "attn_k_b.weight").reshape(heads, rank, still))
    v = np.einsum("tr,her->the", low, m.rows(at + "attn_v_b.weight").reshape(heads, value, rank))
    turn = rope(both[:, None, rank:], theta, "adjacent").repeat(heads, 1)
    q = np.concatenate([q[..., :still], rope(q[..., still:], theta, "adjacent")], -1)
    y = attend(q, np.concatenate([k, turn], -1), v, key ** -0.5)
    return m.times(y, at + "attn_output.weight")


def gated(m, at, x, suffix=""):
    inner = silu(m.times(x, f"{at}ffn_gate{suffix}.weight")) * m.times(x, f"{at}ffn_up{suffix}.weight")
    return m.times(inner, f"{at}ffn_down{suffix}.weight")


def routed(m, at, x):
    experts, used = int(m.key("expert_count")), int(m.key("expert_used_count"))
    scores = m.times(x, at + "ffn_gate_inp.weight")
    scores = 1 / (1 + np.exp(-scores)) if m.key("expert_gating_func", 1) == 2 else softmax(scores)
    choice = scores + m.vector(at + "exp_probs_b.bias") if m.has(at + "exp_probs_b.bias") else scores
    groups, open_groups = int(m.key("expert_group_count", 1)), int(m.key("expert_group_used_count", 1))
    if groups > open_groups:
        parts = choice.reshape(len(x), groups, -1)
        worth = np.sort(parts, -1)[..., -2:].sum(-1)
        closed = np.argsort(-worth, -1, kind="stable")[:, open_groups:]
        np.put_along_axis(parts, closed[..., None], -np.inf, 1)
        choice = parts.reshape(choice.shape)
    chosen = np.argsort(-choice, -1, kind="stable")[:, :used]
    gates = np.take_along_axis(scores, chosen, -1)
    if m.key("expert_weights_norm", m.arch == "llama"):
        gates /= gates.sum(-1, keepdims=True)
    gates *= m.key("expert_weights_scale", 1)
    y = np.zeros_like(x)
    width = int(m.tensors[at + "ffn_up_exps.weight"].shape[1])
    for e in range(experts):
        token, place = np.nonzero(chosen == e)
        if len(token):
            part = x[token]
            inner = (silu(m.times(part, at + "ffn_gate_exps.weight", e * width, width))
                     * m.times(part, at + "ffn_up_exps.weight", e * width, width))
            y[token] += gates[token, place][:, None] * m.times(inner, at + "ffn_down_exps.weight", e * x.shape[1],
                                                               x.shape[1])
    return y + gated(m, at, x, "_shexp") if m.has(at + "ffn_up_shexp.weight") else y


def logits(path, tokens):
    m = Model(path)
    if m.arch not in ("llama", "olmoe", "deepseek2") or m.key("rope.scaling.type") is not None or m.has("rope_freqs.weight"):
        raise SystemExit(f"exact.py does not know what {path} has: the architecture {m.arch}, or scaled rotations")
    eps = float(m.key("attention.layer_norm_rms_epsilon"))
    x = np.concatenate([m.rows("token_embd.weight", t, 1) for t in tokens])
    for i in range(int(m.key("block_count"))):
        at = f"blk.{i}."
        y = norm(x, m.vector(at + "attn_norm.weight"), eps)
        x = x + (latent if m.arch == "deepseek2" else grouped)(m, at, y, eps)
        y = norm(x, m.vector(at + "ffn_norm.weight"), eps)
        x = x + (routed if m.has(at + "ffn_gate_inp.weight") else gated)(m, at, y)
    x = norm(x, m.vector("output_norm.weight"), eps)
    return m.times(x, "output.weight" if m.has("output.weight") else "token_embd.weight")
