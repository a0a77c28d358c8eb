"""Mamba-2 (arXiv:2405.21060), section 7.1: a layer whose memory is one matrix for each head."""
import numpy as np

from .convolution import convolved
from .layer import rms_norm, silu


def mamba2(layer, x):
    """The recurrent form: the memory fades, and takes in the outer product of x and B, a step long."""
    model, n = layer.model, len(x)
    inner, state = model["ssm.inner_size"], model["ssm.state_size"]
    n_heads, n_groups = model["ssm.time_step_rank"], model["ssm.group_count"]
    gate, mixed, steps = np.split(layer.linear("ssm_in", x), [inner, -n_heads], axis=-1)
    mixed = silu(convolved(layer, "ssm_conv1d", mixed))
    values, b, c = np.split(mixed, [inner, inner + n_groups * state], axis=-1)
    values = values.reshape(n, n_heads, -1)
    b, c = (np.repeat(each.reshape(n, n_groups, state), n_heads // n_groups, 1) for each in (b, c))
    steps = np.logaddexp(0, steps + layer.weight("ssm_dt.bias"))
    kept = np.exp(steps * layer.weight("ssm_a").ravel())
    memory, out = np.zeros((n_heads, values.shape[-1], state)), np.empty_like(values)
    for t in range(n):
        memory = memory * kept[t, :, None, None] + np.einsum("h,hv,hs->hvs", steps[t], values[t], b[t])
        out[t] = np.einsum("hvs,hs->hv", memory, c[t])
    out = (out + values * layer.weight("ssm_d").ravel()[:, None]).reshape(n, -1) * silu(gate)
    out = rms_norm(out.reshape(n, n_groups, -1), model["attention.layer_norm_rms_epsilon"])
    return layer.linear("ssm_out", (out * layer.weight("ssm_norm").reshape(n_groups, -1)).reshape(n, -1))
