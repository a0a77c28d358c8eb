"""Mixtures whose differences are few: dots.llm1 (arXiv:2506.05767), Ling (arXiv:2503.05139), Ling 2.0
(arXiv:2510.22115), MiniMax-M2 (github.com/MiniMax-AI/MiniMax-M2) and Hunyuan-A13B
(github.com/Tencent-Hunyuan/Hunyuan-A13B), with Hunyuan's dense models."""
from ..attention import head_dim, output, queries_keys_values, rotated
from ..experts import mixture, route, shared_expert
from ..layer import gated_network, sigmoid, softmax
from ..rope import rotate_halves
from .architecture import Architecture
from .llama import llama_attention


def _normed_heads(layer, x):
    """Each head by itself, before it turns."""
    q, k, v = queries_keys_values(layer, x)
    q, k = rotated(layer, rotate_halves, layer.norm("attn_q_norm", q), layer.norm("attn_k_norm", k))
    return output(layer, q, k, v)


def _normed_behind(layer, x):
    """Hunyuan's: each head by itself, when it has turned."""
    q, k, v = queries_keys_values(layer, x)
    q, k = rotated(layer, rotate_halves, q, k)
    return output(layer, layer.norm("attn_q_norm", q), layer.norm("attn_k_norm", k), v)


def _normed_together(layer, x):
    """MiniMax's: all heads at once."""
    q, k, v = queries_keys_values(layer, x)
    q, k = (layer.norm(name, each.reshape(len(x), -1)).reshape(len(x), -1, head_dim(layer.model))
            for name, each in (("attn_q_norm", q), ("attn_k_norm", k)))
    q, k = rotated(layer, rotate_halves, q, k)
    return output(layer, q, k, v)


def _of(attention, score, always_normalized=False):
    def block(layer, x):
        x = x + attention(layer, layer.norm("attn_norm", x))
        h = layer.norm("ffn_norm", x)
        if "ffn_gate_inp" not in layer:
            return x + gated_network(layer, h)
        normalized = always_normalized or layer.model.get("expert_weights_norm", False)
        out = mixture(layer, h, *route(layer, h, score, normalized, layer.model.get("expert_weights_scale", 1.0)))
        return x + out + (shared_expert(layer, h) if "ffn_gate_shexp" in layer else 0.0)
    return Architecture(block)


DOTS1 = BAILINGMOE2 = _of(_normed_heads, sigmoid)
BAILINGMOE = _of(llama_attention, softmax)
MINIMAX_M2 = _of(_normed_together, sigmoid, always_normalized=True)
HUNYUAN = _of(_normed_behind, softmax, always_normalized=True)
