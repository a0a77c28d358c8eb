"""Command R and R+ (docs.cohere.com/docs/command-r), R7B and A (arXiv:2504.00698): both halves read the same
normalized stream. In R+ heads normalize their queries and keys. In R7B and A every fourth layer sees everything and has
no positions; the others see a window."""
from ..attention import is_local, output, queries_keys_values, rotated, sees_all_before, sees_window
from ..layer import gated_network
from ..rope import rotate_pairs
from .architecture import Architecture
from .llama import llama_attention


def _both(layer, x, attention):
    h = layer.norm("attn_norm", x)
    return x + attention(layer, h) + gated_network(layer, h)


def _attention(layer, x):
    if "attn_q_norm" not in layer:
        return llama_attention(layer, x)
    q, k, v = queries_keys_values(layer, x)  # the norms' weights are [head][value]
    q, k = rotated(layer, rotate_pairs, layer.norm("attn_q_norm", q), layer.norm("attn_k_norm", k))
    return output(layer, q, k, v)


def _window_attention(layer, x):
    q, k, v = queries_keys_values(layer, x)
    if not is_local(layer, 4):
        return output(layer, q, k, v, sees=sees_all_before(len(x)))
    q, k = rotated(layer, rotate_pairs, q, k)
    return output(layer, q, k, v, sees=sees_window(len(x), layer.model["attention.sliding_window"]))


def _of(attention):
    return Architecture(lambda layer, x: _both(layer, x, attention),
                        finish=lambda model, logits: logits * model["logit_scale"])


COMMAND_R = _of(_attention)
COHERE2 = _of(_window_attention)
