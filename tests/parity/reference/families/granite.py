"""Granite 3, 4 and 4 H (github.com/ibm-granite/granite-3.0-language-models): Llama's block with the scales of the
maximal update parametrization (arXiv:2203.03466)."""
from ..experts import mixture, route, shared_expert
from ..layer import gated_network
from ..mamba2 import mamba2
from .architecture import Architecture
from .llama import llama_attention


def _with_scales(layer, x, network):
    scale = layer.model.get("residual_scale") or 1.0
    rotates = layer.model.get("rope.scaling.finetuned", True)
    h = layer.norm("attn_norm", x)
    x = x + scale * (mamba2(layer, h) if "ssm_in" in layer else llama_attention(layer, h, rotates))
    return x + scale * network(layer, layer.norm("ffn_norm", x))


def _experts(layer, x):
    out = mixture(layer, x, *route(layer, x, normalized=True))
    return out + shared_expert(layer, x) if "ffn_gate_shexp" in layer else out


def _of(network):
    return Architecture(lambda layer, x: _with_scales(layer, x, network),
                        lambda model: model.get("embedding_scale") or 1.0,
                        lambda model, logits: logits / (model.get("logit_scale") or 1.0))


def _either(layer, x):
    return _experts(layer, x) if "ffn_gate_inp" in layer else gated_network(layer, x)


GRANITE = _of(gated_network)
GRANITEHYBRID = _of(_either)
GRANITEMOE = _of(_experts)
