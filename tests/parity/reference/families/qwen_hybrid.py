"""Qwen3-Next (qwenlm.github.io/blog/qwen3_next) and Qwen3.5: three layers of four are gated delta nets, the
fourth attends to everything and gates what it gives."""
import numpy as np

from ..attention import attend, head_dim, heads, rotated, usual_scale
from ..delta_net import gated_delta_net
from ..experts import mixture, route, shared_expert
from ..layer import gated_network, sigmoid
from ..rope import rotate_halves
from .architecture import Architecture


def _gated_attention(layer, x):
    dim = head_dim(layer.model)
    q, gate = np.split(layer.linear("attn_q", x).reshape(len(x), -1, 2 * dim), 2, axis=-1)
    q = layer.norm("attn_q_norm", q)
    k = layer.norm("attn_k_norm", heads(layer, "attn_k", x))
    q, k = rotated(layer, rotate_halves, q, k)  # of text, all sections of Qwen3.5's rotation turn alike
    out = attend(q, k, heads(layer, "attn_v", x), usual_scale(layer.model))
    return layer.linear("attn_output", out * sigmoid(gate.reshape(len(x), -1)))


def _block(tiled):
    def block(layer, x):
        h = layer.norm("attn_norm", x)
        x = x + (gated_delta_net(layer, h, tiled) if "ssm_out" in layer else _gated_attention(layer, h))
        h = layer.norm("post_attention_norm", x)
        if "ffn_gate_inp" not in layer:
            return x + gated_network(layer, h)
        return x + mixture(layer, h, *route(layer, h, normalized=True)) + shared_expert(layer, h)
    return block


QWEN3NEXT = Architecture(_block(tiled=False))
QWEN35 = QWEN35MOE = Architecture(_block(tiled=True))
