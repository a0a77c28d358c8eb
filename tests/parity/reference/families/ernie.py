"""ERNIE 4.5 with experts (ernie.baidu.com/blog/publication/ERNIE_Technical_Report.pdf), text only."""
from ..experts import mixture, route, shared_expert
from ..layer import gated_network
from .architecture import Architecture
from .llama import llama_attention


def _ernie45_moe(layer, x):
    x = x + llama_attention(layer, layer.norm("attn_norm", x))
    h = layer.norm("ffn_norm", x)
    if "ffn_gate_inp" not in layer:
        return x + gated_network(layer, h)
    routed = mixture(layer, h, *route(layer, h, normalized=True))
    return x + routed + (shared_expert(layer, h) if "ffn_gate_shexp" in layer else 0.0)


ERNIE45_MOE = Architecture(_ernie45_moe)
