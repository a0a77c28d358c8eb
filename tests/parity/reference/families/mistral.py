"""Ministral 3 (arXiv:2601.08584): Llama's block, whose queries grow with the text (arXiv:2501.19399)."""
import numpy as np

from ..attention import output, queries_keys_values, rotated
from ..layer import gated_network
from ..rope import rotate_pairs
from .architecture import Architecture


def _mistral3(layer, x):
    model = layer.model
    q, k, v = queries_keys_values(layer, layer.norm("attn_norm", x))
    q, k = rotated(layer, rotate_pairs, q, k)
    step = model.get("rope.scaling.original_context_length", model["context_length"])
    growth = np.log(np.floor(np.arange(len(x)) / step) + 1)
    q = q * (1 + model.get("attention.temperature_scale", 0.0) * growth)[:, None, None]
    x = x + output(layer, q, k, v)
    return x + gated_network(layer, layer.norm("ffn_norm", x))


MISTRAL3 = Architecture(_mistral3)
