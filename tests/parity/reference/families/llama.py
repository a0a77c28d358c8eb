"""Llama 1 to 3 (arXiv:2407.21783), Mistral, Mixtral (arXiv:2401.04088); SmolLM3 (huggingface.co/blog/smollm3)."""
from ..attention import output, queries_keys_values, rotated
from ..experts import mixture, route
from ..layer import gated_network
from ..rope import rotate_pairs
from .architecture import Architecture


def llama_attention(layer, x, rotates=True):
    q, k, v = queries_keys_values(layer, x)
    if rotates:
        q, k = rotated(layer, rotate_pairs, q, k)
    return output(layer, q, k, v)


def _llama(layer, x):
    x = x + llama_attention(layer, layer.norm("attn_norm", x))
    h = layer.norm("ffn_norm", x)
    if "ffn_gate_inp" in layer:
        return x + mixture(layer, h, *route(layer, h, normalized=True))
    return x + gated_network(layer, h)


def _smollm3(layer, x):
    """Every fourth layer has no positions (arXiv:2501.18795)."""
    x = x + llama_attention(layer, layer.norm("attn_norm", x), rotates=(layer.index + 1) % 4 != 0)
    return x + gated_network(layer, layer.norm("ffn_norm", x))


LLAMA = Architecture(_llama)
SMOLLM3 = Architecture(_smollm3)
