"""LFM2 (arXiv:2511.23404), section 2: gated short convolutions, and attention in some layers."""
import numpy as np

from ..attention import output, queries_keys_values, rotated
from ..convolution import convolved
from ..experts import mixture, route
from ..layer import gated_network, sigmoid
from ..rope import rotate_halves
from .architecture import Architecture


def _short_convolution(layer, x):
    before, after, values = np.split(layer.linear("shortconv.in_proj", x), 3, axis=-1)
    return layer.linear("shortconv.out_proj", after * convolved(layer, "shortconv.conv", before * values))


def _attention(layer, x):
    q, k, v = queries_keys_values(layer, x)
    q, k = rotated(layer, rotate_halves, layer.norm("attn_q_norm", q), layer.norm("attn_k_norm", k))
    return output(layer, q, k, v)


def _lfm2(layer, x):
    h = layer.norm("attn_norm", x)
    x = x + (_short_convolution(layer, h) if "shortconv.conv" in layer else _attention(layer, h))
    h = layer.norm("ffn_norm", x)
    if "ffn_gate_inp" not in layer:
        return x + gated_network(layer, h)
    scale = layer.model.get("expert_weights_scale", 1.0)
    return x + mixture(layer, h, *route(layer, h, sigmoid, normalized=True, scale=scale))


LFM2 = Architecture(_lfm2, norm_at_end="token_embd_norm")
