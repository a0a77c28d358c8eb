"""gpt-oss (arXiv:2508.10925): every other layer sees a window, each head has a sink, and all matrices biases."""
import numpy as np

from ..attention import is_local, local_base, output, queries_keys_values, rotated, sees_all_before, sees_window
from ..experts import best, expert_network, mixture
from ..layer import sigmoid, softmax
from ..rope import rotate_halves
from .architecture import Architecture

_LIMIT, _STEEPNESS = 7.0, 1.702


def _clamped(gate, up):
    gate, up = np.minimum(gate, _LIMIT), np.clip(up, -_LIMIT, _LIMIT)
    return gate * sigmoid(_STEEPNESS * gate) * (up + 1)


def _route(layer, x):
    """Scores are a softmax of those chosen alone."""
    logits = layer.linear("ffn_gate_inp", x)
    chosen = best(logits, layer.model["expert_used_count"])
    return chosen, softmax(np.take_along_axis(logits, chosen, 1))


def _gpt_oss(layer, x):
    q, k, v = queries_keys_values(layer, layer.norm("attn_norm", x))
    local = is_local(layer, 2)
    q, k = rotated(layer, rotate_halves, q, k, base=local_base(layer, local))
    sees = sees_window(len(x), layer.model["attention.sliding_window"]) if local else sees_all_before(len(x))
    x = x + output(layer, q, k, v, sees=sees, sinks=layer.weight("attn_sinks"))
    h = layer.norm("post_attention_norm", x)
    return x + mixture(layer, h, *_route(layer, h),
                       network=lambda *of: expert_network(*of, activation=_clamped))


GPT_OSS = Architecture(_gpt_oss)
