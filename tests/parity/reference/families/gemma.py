"""Gemma (arXiv:2403.08295), 2 (arXiv:2408.00118) and 3 (arXiv:2503.19786), section 2 of each. What the papers call 1 + weight
in norms is already added in files."""
from ..attention import head_dim, is_local, local_base, output, queries_keys_values, rotated, sees_all_before, sees_window
from ..layer import gated_network, gelu
from ..rope import plain_frequencies, rotate_halves
from .architecture import Architecture, capped, root_of_width


def _around_blocks(layer, x, attention):
    """Norms before and after either half."""
    x = x + layer.norm("post_attention_norm", attention(layer, layer.norm("attn_norm", x)))
    return x + layer.norm("post_ffw_norm", gated_network(layer, layer.norm("ffn_norm", x), activation=gelu))


def _query_scale(model, layers_of_27b):
    """The 27B models divide by the width per head, which is not the head's width."""
    if model["block_count"] == layers_of_27b:
        return (model["embedding_length"] // model["attention.head_count"]) ** -0.5
    return head_dim(model) ** -0.5


def _gemma(layer, x):
    q, k, v = queries_keys_values(layer, layer.norm("attn_norm", x))
    q, k = rotated(layer, rotate_halves, q, k)
    x = x + output(layer, q, k, v)
    return x + gated_network(layer, layer.norm("ffn_norm", x), activation=gelu)


def _gemma2_attention(layer, x):
    model = layer.model
    q, k, v = queries_keys_values(layer, x)
    local = is_local(layer, 2)
    q, k = rotated(layer, rotate_halves, q, k, base=local_base(layer, local))
    sees = sees_window(len(x), model.get("attention.sliding_window", 4096)) if local else sees_all_before(len(x))
    return output(layer, q, k, v, scale=_query_scale(model, 46), sees=sees,
                  soft_cap=model.get("attn_logit_softcapping", 50.0))


def _gemma3_attention(layer, x):
    """Five local layers, which were never stretched, for each that sees everything."""
    model = layer.model
    q, k, v = queries_keys_values(layer, x)
    q, k = layer.norm("attn_q_norm", q), layer.norm("attn_k_norm", k)
    width = model.get("attention.sliding_window", 0)
    if width and is_local(layer, 6):
        frequencies = plain_frequencies(model.get("rope.freq_base_swa", 10000.0),
                                        model.get("rope.dimension_count", head_dim(model)))
        q, k = rotate_halves(q, frequencies), rotate_halves(k, frequencies)
        sees = sees_window(len(x), width)
    else:
        q, k = rotated(layer, rotate_halves, q, k)
        sees = sees_all_before(len(x))
    return output(layer, q, k, v, scale=_query_scale(model, 62), sees=sees)


def _final_cap(default):
    return lambda model, logits: capped(model, logits, model.get("final_logit_softcapping", default))


GEMMA = Architecture(_gemma, root_of_width)
GEMMA2 = Architecture(lambda layer, x: _around_blocks(layer, x, _gemma2_attention), root_of_width, _final_cap(30.0))
GEMMA3 = Architecture(lambda layer, x: _around_blocks(layer, x, _gemma3_attention), root_of_width, _final_cap(0.0))
