"""Halves that read the stream as it is, and whose results are normalized: OLMo 2 (arXiv:2501.00656), section 2, and
3 (arXiv:2512.13961), and EXAONE 4.0 (arXiv:2507.11407), section 2.1."""
from ..attention import head_dim, is_local, output, queries_keys_values, rotated, sees_all_before, sees_window
from ..layer import gated_network
from ..rope import plain_frequencies, rotate_halves
from .architecture import Architecture

_EXAONE_32B = 64  # layers; the others have no windows


def _around(layer, x, attention):
    x = x + layer.norm("post_attention_norm", attention(layer, x))
    return x + layer.norm("post_ffw_norm", gated_network(layer, x))


def _olmo2_attention(layer, x):
    """Queries and keys are normalized over all heads; local layers were not stretched."""
    model = layer.model
    q, k = (layer.norm(name + "_norm", layer.linear(name, x)).reshape(len(x), -1, head_dim(model))
            for name in ("attn_q", "attn_k"))
    v = layer.linear("attn_v", x).reshape(len(x), -1, head_dim(model))
    width = model.get("attention.sliding_window", 0)
    if width and is_local(layer, 4):
        frequencies = plain_frequencies(model["rope.freq_base"], head_dim(model))
        return output(layer, rotate_halves(q, frequencies), rotate_halves(k, frequencies), v,
                      sees=sees_window(len(x), width))
    q, k = rotated(layer, rotate_halves, q, k)
    return output(layer, q, k, v)


def _exaone4_attention(layer, x):
    model = layer.model
    q, k, v = queries_keys_values(layer, x)
    q, k = layer.norm("attn_q_norm", q), layer.norm("attn_k_norm", k)
    if model["block_count"] == _EXAONE_32B and not is_local(layer, 4):
        return output(layer, q, k, v, sees=sees_all_before(len(x)))
    q, k = rotated(layer, rotate_halves, q, k)
    if model["block_count"] == _EXAONE_32B:
        return output(layer, q, k, v, sees=sees_window(len(x), model.get("attention.sliding_window", 4096)))
    return output(layer, q, k, v)


OLMO2 = Architecture(lambda layer, x: _around(layer, x, _olmo2_attention))
EXAONE4 = Architecture(lambda layer, x: _around(layer, x, _exaone4_attention))
