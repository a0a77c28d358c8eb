"""OLMoE (arXiv:2409.02060), section 2: queries and keys are normalized over all heads at once."""
from ..attention import head_dim, output, rotated
from ..experts import mixture, route
from ..rope import rotate_halves
from .architecture import Architecture


def _olmoe(layer, x):
    h = layer.norm("attn_norm", x)
    q = layer.norm("attn_q_norm", layer.linear("attn_q", h))
    k = layer.norm("attn_k_norm", layer.linear("attn_k", h))
    q, k, v = (each.reshape(len(x), -1, head_dim(layer.model)) for each in (q, k, layer.linear("attn_v", h)))
    q, k = rotated(layer, rotate_halves, q, k)
    x = x + output(layer, q, k, v)
    h = layer.norm("ffn_norm", x)
    return x + mixture(layer, h, *route(layer, h))


OLMOE = Architecture(_olmoe)
