"""Qwen 1.5 to 2.5 (arXiv:2407.10671), and Qwen3 (arXiv:2505.09388), whose heads are normalized instead of
having biases; with experts and without. Seed-OSS (github.com/ByteDance-Seed/seed-oss) has Qwen2's block."""
from ..attention import output, queries_keys_values, rotated
from ..experts import mixture, route, shared_expert
from ..layer import gated_network
from ..rope import rotate_halves
from .architecture import Architecture


def _attention(layer, x):
    q, k, v = queries_keys_values(layer, x)
    if "attn_q_norm" in layer:  # Qwen3
        q, k = layer.norm("attn_q_norm", q), layer.norm("attn_k_norm", k)
    q, k = rotated(layer, rotate_halves, q, k)
    return output(layer, q, k, v)


def _dense(layer, x):
    x = x + _attention(layer, layer.norm("attn_norm", x))
    name = "ffn_norm" if "ffn_norm" in layer else "post_attention_norm"  # of Seed-OSS
    return x + gated_network(layer, layer.norm(name, x))


def _qwen2moe(layer, x):
    x = x + _attention(layer, layer.norm("attn_norm", x))
    h = layer.norm("ffn_norm", x)
    return x + mixture(layer, h, *route(layer, h)) + shared_expert(layer, h)


def _qwen3moe(layer, x):
    x = x + _attention(layer, layer.norm("attn_norm", x))
    h = layer.norm("ffn_norm", x)
    return x + mixture(layer, h, *route(layer, h, normalized=True))


QWEN2 = QWEN3 = SEED_OSS = Architecture(_dense)
QWEN2MOE = Architecture(_qwen2moe)
QWEN3MOE = Architecture(_qwen3moe)
