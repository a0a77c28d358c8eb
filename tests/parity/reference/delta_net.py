"""Gated delta nets (arXiv:2412.06464): a layer whose memory is one matrix for each head."""
import numpy as np

from .convolution import convolved
from .layer import rms_norm, sigmoid, silu


def _unit(x, epsilon):
    return x / np.sqrt((x * x).sum(-1, keepdims=True) + epsilon)


def _strengths_and_decays(layer, x, n_key_heads, n_value_heads):
    """[token][value head] each, of one matrix whose rows lie by heads of keys, or of two."""
    if "ssm_ba" in layer:
        joined = layer.linear("ssm_ba", x).reshape(len(x), n_key_heads, 2, -1)
        strength, decay = (joined[:, :, i].reshape(len(x), n_value_heads) for i in (0, 1))
    else:
        strength, decay = layer.linear("ssm_beta", x), layer.linear("ssm_alpha", x)
    softplus = np.logaddexp(0, decay + layer.weight("ssm_dt.bias"))
    return sigmoid(strength), np.exp(layer.weight("ssm_a") * softplus)


def _remember(q, k, v, strength, decay):
    """The delta rule, equation 10: the memory fades, and learns what it would have said wrongly."""
    out = np.empty_like(v)
    memory = np.zeros((v.shape[1], k.shape[2], v.shape[2]))
    for t in range(len(v)):
        memory *= decay[t, :, None, None]
        wrong = v[t] - np.einsum("hk,hkv->hv", k[t], memory)
        memory += k[t, :, :, None] * (strength[t, :, None] * wrong)[:, None]
        out[t] = np.einsum("hk,hkv->hv", q[t], memory)
    return out


def _mixed_and_gate(layer, x, n_key_heads):
    """Queries, keys and values of all heads in turn, and gates: of two matrices, or of one in early files, which has
    them by heads of keys."""
    if "ssm_in" not in layer:
        return layer.linear("attn_qkv", x), layer.linear("attn_gate", x)
    dim = layer.model["ssm.state_size"]
    share = layer.model["ssm.time_step_rank"] // n_key_heads * dim
    joined = layer.linear("ssm_in", x).reshape(len(x), n_key_heads, -1)
    *mixed, gate = (each.reshape(len(x), -1)
                    for each in np.split(joined, [dim, 2 * dim, 2 * dim + share], axis=2))
    return np.concatenate(mixed, 1), gate


def gated_delta_net(layer, x, tiled):
    """Qwen3-Next's and Qwen3.5's.

    @param tiled  value head i reads key head i modulo their number; if not, neighbours share one
    """
    model = layer.model
    dim, epsilon = model["ssm.state_size"], model["attention.layer_norm_rms_epsilon"]
    n_key_heads, n_value_heads = model["ssm.group_count"], model["ssm.time_step_rank"]
    mixed, gate = _mixed_and_gate(layer, x, n_key_heads)
    mixed = silu(convolved(layer, "ssm_conv1d", mixed)).reshape(len(x), -1, dim)
    q, k, v = np.split(mixed, [n_key_heads, 2 * n_key_heads], axis=1)
    share = n_value_heads // n_key_heads
    q, k = (np.tile(each, (1, share, 1)) if tiled else np.repeat(each, share, 1)
            for each in (_unit(q, epsilon) * dim ** -0.5, _unit(k, epsilon)))
    out = _remember(q, k, v, *_strengths_and_decays(layer, x, n_key_heads, n_value_heads))
    out = rms_norm(out, epsilon) * layer.weight("ssm_norm") * silu(gate.reshape(out.shape))
    return layer.linear("ssm_out", out.reshape(len(x), -1))
