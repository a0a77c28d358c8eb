"""Llama 4 (ai.meta.com/blog/llama-4-multimodal-intelligence), text only. Three layers of four turn and see their
chunk of the text; the fourth sees all, has no positions (arXiv:2501.18795), and its queries grow with them."""
import numpy as np

from ..attention import is_local, local_base, output, queries_keys_values, rotated, sees_all_before, sees_chunk
from ..experts import mixture, route, shared_expert
from ..layer import gated_network, rms_norm, sigmoid
from ..rope import rotate_pairs
from .architecture import Architecture

_CHUNK = 8192
_EXPERTS_OF_MAVERICK = 128


def _attention(layer, x):
    model = layer.model
    q, k, v = queries_keys_values(layer, x)
    local = is_local(layer, 4)
    sees = sees_chunk(len(x), _CHUNK) if local else sees_all_before(len(x))
    if (layer.index + 1) % 4 == 0:
        growth = 1 + 0.1 * np.log(np.floor((np.arange(len(x)) + 1) / _CHUNK) + 1)
        return output(layer, q * growth[:, None, None], k, v, sees=sees)
    q, k = rotated(layer, rotate_pairs, q, k, base=local_base(layer, local))
    if model["expert_count"] != _EXPERTS_OF_MAVERICK:
        q, k = (rms_norm(each, model["attention.layer_norm_rms_epsilon"]) for each in (q, k))
    return output(layer, q, k, v, sees=sees)


def _experts(layer, x):
    """The score weighs what an expert is given, not what it gives."""
    out = shared_expert(layer, x)
    chosen, weights = route(layer, x, sigmoid)
    for place in range(chosen.shape[1]):
        one = chosen[:, place:place + 1]
        out = out + mixture(layer, x * weights[:, place:place + 1], one, np.ones_like(one))
    return out


def _llama4(layer, x):
    x = x + _attention(layer, layer.norm("attn_norm", x))
    h = layer.norm("ffn_norm", x)
    return x + (_experts(layer, h) if "ffn_gate_inp" in layer else gated_network(layer, h))


LLAMA4 = Architecture(_llama4)
