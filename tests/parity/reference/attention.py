"""Attention over all positions at once (arXiv:1706.03762, section 3.2), and what each may see."""
import numpy as np

from . import rope
from .layer import softmax


def sees_all_before(n):
    """[query][key], true where a query sees a key."""
    return np.tri(n, dtype=bool)


def sees_window(n, width):
    """Of what comes before, the last `width` positions, its own among them."""
    return np.tri(n, dtype=bool) & ~np.tri(n, k=-width, dtype=bool)


def sees_chunk(n, size):
    """Of what comes before, what lies in the same chunk."""
    chunk = np.arange(n) // size
    return np.tri(n, dtype=bool) & (chunk[:, None] == chunk)


def is_local(layer, period):
    """Whether a layer sees a window: the file lists those that do, or has a period (0: all do) in place of `period`,
    of which all but the last do."""
    pattern = layer.model.get("attention.sliding_window_pattern", period)
    if isinstance(pattern, list):
        return pattern[layer.index]
    return pattern == 0 or layer.index % pattern < pattern - 1


def attend(q, k, v, scale, sees=None, soft_cap=None, sinks=None):
    """[token][head * value] of [token][head][value] each.

    Key and value heads may be fewer (arXiv:2305.13245). A soft cap bounds the scores (arXiv:2408.00118), a
    sink is a score of a key that says nothing.
    """
    n, n_heads, _ = q.shape
    share = n_heads // k.shape[1]
    sees = sees_all_before(n) if sees is None else sees
    out = np.empty((n, n_heads, v.shape[-1]))
    for head in range(n_heads):
        scores = q[:, head] @ k[:, head // share].T * scale
        if soft_cap:
            scores = soft_cap * np.tanh(scores / soft_cap)
        scores = np.where(sees, scores, -np.inf)
        if sinks is not None:
            scores = np.concatenate([scores, np.full((n, 1), sinks[head])], 1)
        out[:, head] = softmax(scores)[:, :n] @ v[:, head // share]
    return out.reshape(n, -1)


def head_dim(model):
    return model.get("attention.key_length", model["embedding_length"] // model["attention.head_count"])


def heads(layer, name, x):
    """[token][head][value]"""
    return layer.linear(name, x).reshape(len(x), -1, head_dim(layer.model))


def queries_keys_values(layer, x):
    """Of three matrices, or of one with the queries first."""
    if "attn_qkv" not in layer:
        return (heads(layer, name, x) for name in ("attn_q", "attn_k", "attn_v"))
    joined = heads(layer, "attn_qkv", x)
    n, n_kv = layer.model["attention.head_count"], layer.model["attention.head_count_kv"]
    return np.split(joined, [n, n + n_kv], axis=1)


def rotated(layer, turn, *all_heads, base=None):
    """Each of them with its positions, as the file wants them stretched; `base` is another than that of the file."""
    model = layer.model
    dim = model.get("rope.dimension_count", head_dim(model))
    frequencies, size = rope.stretched_frequencies(layer, dim, base), rope.magnitude(model)
    return [turn(each, frequencies, size) for each in all_heads]


def local_base(layer, local):
    """The base by which local layers turn, if the file has one; None: that of the others."""
    return layer.model.get("rope.freq_base_swa") if local else None


def usual_scale(model):
    return model.get("attention.scale") or head_dim(model) ** -0.5


def output(layer, q, k, v, **more):
    """What attention adds to the stream."""
    scale = more.pop("scale", usual_scale(layer.model))
    return layer.linear("attn_output", attend(q, k, v, scale, **more))
