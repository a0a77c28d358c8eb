"""DeepSeekMoE (arXiv:2401.06066), section 3; DeepSeek-V2 (arXiv:2405.04434), section 2, and V3
(arXiv:2412.19437), section 2.1."""
import numpy as np

from .. import rope
from ..attention import attend
from ..experts import mixture, route, shared_expert
from ..layer import gated_network, sigmoid, softmax
from .architecture import Architecture
from .llama import llama_attention

_SIGMOID = 2  # in "expert_gating_func"; 1, and before the key existed, is softmax


def _deepseek(layer, x):
    x = x + llama_attention(layer, layer.norm("attn_norm", x))
    h = layer.norm("ffn_norm", x)
    if "ffn_gate_inp" not in layer:
        return x + gated_network(layer, h)
    scale = layer.model.get("expert_weights_scale", 1.0)
    return x + mixture(layer, h, *route(layer, h, scale=scale)) + shared_expert(layer, h)


def _queries(layer, x):
    if "attn_q_a" in layer:
        return layer.linear("attn_q_b", layer.norm("attn_q_a_norm", layer.linear("attn_q_a", x)))
    return layer.linear("attn_q", x)


def _decompressed(layer, latent, n_heads):
    """Keys without positions, and values, of all heads."""
    if "attn_kv_b" in layer:
        joined = layer.linear("attn_kv_b", latent).reshape(len(latent), n_heads, -1)
        value_dim = layer.model["attention.value_length"]
        return joined[..., :-value_dim], joined[..., -value_dim:]
    return (np.einsum("tl,hln->thn", latent, layer.weight("attn_k_b")),
            np.einsum("tl,hvl->thv", latent, layer.weight("attn_v_b")))


def _latent_attention(layer, x):
    """V2, section 2.1: keys and values of all heads come from one short vector, and a shared key has positions."""
    model = layer.model
    n_heads, dim = model["attention.head_count"], model["rope.dimension_count"]
    frequencies = rope.stretched_frequencies(layer, dim)
    # The key holds a tenth of DeepSeek's mscale_all_dim. With it and YaRN, scores grow and not queries and keys; else
    # llama.cpp lets scores grow, too.
    log_multiplier = model.get("rope.scaling.yarn_log_multiplier", 0.0)
    kind, factor = rope.scaling(model)
    own = model.get("rope.scaling.attn_factor", 1.0)
    cancels = kind == "yarn" and log_multiplier
    size = own if cancels else rope.magnitude(model)
    growth_of_scores = (1 if cancels else 1 + 0.1 * np.log(factor)) * (1 + log_multiplier * np.log(factor))

    q = _queries(layer, x).reshape(len(x), n_heads, -1)
    latent, shared = np.split(layer.linear("attn_kv_a_mqa", x), [-dim], axis=-1)
    k, v = _decompressed(layer, layer.norm("attn_kv_a_norm", latent), n_heads)
    shared = rope.rotate_pairs(shared[:, None], frequencies, size)
    q_plain, q_turned = np.split(q, [-dim], axis=-1)
    q = np.concatenate([q_plain, rope.rotate_pairs(q_turned, frequencies, size)], -1)
    k = np.concatenate([k, np.repeat(shared, n_heads, 1)], -1)
    scale = q.shape[-1] ** -0.5 * (own * growth_of_scores) ** 2
    if model.get("attention.temperature_scale"):  # Mistral Large 3 (arXiv:2501.19399)
        growth = np.log(np.floor(np.arange(len(x)) / model["attention.temperature_length"]) + 1)
        q = q * (1 + model["attention.temperature_scale"] * growth)[:, None, None]
    return layer.linear("attn_output", attend(q, k, v, scale))


def _deepseek2(layer, x):
    model = layer.model
    x = x + _latent_attention(layer, layer.norm("attn_norm", x))
    h = layer.norm("ffn_norm", x)
    if "ffn_gate_inp" not in layer:
        return x + gated_network(layer, h)
    chosen, weights = route(layer, h, sigmoid if model.get("expert_gating_func") == _SIGMOID else softmax,
                            model.get("expert_weights_norm", False), model.get("expert_weights_scale", 1.0))
    routed = mixture(layer, h, chosen, weights)
    return x + routed + (shared_expert(layer, h) if "ffn_gate_shexp" in layer else 0.0)


DEEPSEEK = Architecture(_deepseek)
DEEPSEEK2 = Architecture(_deepseek2)
