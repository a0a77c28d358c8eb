"""GLM-4-0414 (arXiv:2406.12793), with norms around its halves, and GLM-4.5 (arXiv:2508.06471), section 2.1.
A part of each head turns."""
from ..attention import output, queries_keys_values, rotated
from ..experts import mixture, route, shared_expert
from ..layer import gated_network, sigmoid, softmax
from ..rope import rotate_halves, rotate_pairs
from .architecture import Architecture

_SOFTMAX = 1  # in "expert_gating_func"; without it the score is a sigmoid


def _attention(layer, x):
    """Models that see have sections, which turn alike in text: then halves turn."""
    q, k, v = queries_keys_values(layer, x)
    q, k = rotated(layer, rotate_halves if any(layer.model.get("rope.dimension_sections", [])) else rotate_pairs, q, k)
    return output(layer, q, k, v)


def _glm4(layer, x):
    x = x + layer.norm("post_attention_norm", _attention(layer, layer.norm("attn_norm", x)))
    return x + layer.norm("post_ffw_norm", gated_network(layer, layer.norm("ffn_norm", x)))


def _glm4moe(layer, x):
    model = layer.model
    q, k, v = queries_keys_values(layer, layer.norm("attn_norm", x))
    if "attn_q_norm" in layer:  # the larger of the published models
        q, k = layer.norm("attn_q_norm", q), layer.norm("attn_k_norm", k)
    q, k = rotated(layer, rotate_halves, q, k)
    x = x + output(layer, q, k, v)
    h = layer.norm("post_attention_norm", x)
    if "ffn_gate_inp" not in layer:
        return x + gated_network(layer, h)
    chosen, weights = route(layer, h, softmax if model.get("expert_gating_func") == _SOFTMAX else sigmoid,
                            model.get("expert_weights_norm", False), model.get("expert_weights_scale", 1.0))
    return x + mixture(layer, h, chosen, weights) + shared_expert(layer, h)


GLM4 = Architecture(_glm4)
GLM4MOE = Architecture(_glm4moe)
