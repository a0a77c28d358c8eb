"""Phi-3, 3.5 and 4, and Phi-3.5-MoE (arXiv:2404.14219). The files' window is not obeyed, and the norms of the
latter are RMS norms with biases: as llama.cpp reads these files."""
from ..attention import output, queries_keys_values, rotated
from ..experts import mixture, route
from ..layer import gated_network
from ..rope import rotate_halves
from .architecture import Architecture


def _attention(layer, x):
    q, k, v = queries_keys_values(layer, x)
    q, k = rotated(layer, rotate_halves, q, k)
    return output(layer, q, k, v)


def _phi3(layer, x):
    x = x + _attention(layer, layer.norm("attn_norm", x))
    return x + gated_network(layer, layer.norm("ffn_norm", x))


def _phimoe(layer, x):
    x = x + _attention(layer, layer.norm("attn_norm", x))
    h = layer.norm("ffn_norm", x)
    return x + mixture(layer, h, *route(layer, h, normalized=True))


PHI3 = Architecture(_phi3)
PHIMOE = Architecture(_phimoe)
