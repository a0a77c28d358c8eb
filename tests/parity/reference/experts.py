"""Mixtures of experts (arXiv:1701.06538): who is chosen, what they weigh, and what they give."""
import numpy as np

from .layer import gated_network, sigmoid, silu, softmax


def best(scores, n):
    """[token][n] of the largest scores; ties go to the lower index."""
    return np.argsort(-scores, axis=-1, kind="stable")[:, :n]


def best_in_groups(model, scores, n):
    """DeepSeek-V3 (arXiv:2412.19437), section 2.1.2: only groups whose two best experts are best may serve."""
    n_groups = model.get("expert_group_count", 1) or 1
    if n_groups > 1:
        grouped = scores.reshape(len(scores), n_groups, -1)
        group_scores = np.sort(grouped, -1)[..., -2:].sum(-1)
        may = np.zeros(group_scores.shape, bool)
        np.put_along_axis(may, best(group_scores, model["expert_group_used_count"]), True, 1)
        scores = np.where(may[..., None], grouped, -np.inf).reshape(scores.shape)
    return best(scores, n)


def route(layer, x, score=softmax, normalized=False, scale=1.0):
    """The usual router: scores over all experts, the best of which weigh what they score.

    @param score  softmax or sigmoid
    @returns experts and weights, [token][expert_used_count] each
    """
    scores = score(layer.linear("ffn_gate_inp", x))
    # A bias helps to choose, and does not weigh (arXiv:2408.15664).
    biased = scores + layer.weight("exp_probs_b.bias") if "exp_probs_b.bias" in layer else scores
    chosen = best_in_groups(layer.model, biased, layer.model["expert_used_count"])
    weights = np.take_along_axis(scores, chosen, 1)
    if normalized:
        weights = weights / weights.sum(1, keepdims=True)
    return chosen, weights * (scale or 1.0)


def expert_network(layer, expert, x, activation=silu):
    """`activation` is given gate and up, if it takes both."""
    if "ffn_gate_up_exps" in layer:
        gate, up = np.split(layer.linear("ffn_gate_up_exps", x, expert), 2, axis=-1)
    elif "ffn_gate_exps" in layer:
        gate, up = (layer.linear(name, x, expert) for name in ("ffn_gate_exps", "ffn_up_exps"))
    else:  # a tensor for each, as in old files
        gate, up, down = ("%s.%d" % (name, expert) for name in ("ffn_gate", "ffn_up", "ffn_down"))
        return layer.linear(down, silu(layer.linear(gate, x)) * layer.linear(up, x))
    joined = activation(gate) * up if activation is silu else activation(gate, up)
    return layer.linear("ffn_down_exps", joined, expert)


def mixture(layer, x, chosen, weights, network=expert_network):
    """The weighed sum of what the chosen experts make of each token."""
    out = np.zeros_like(x)
    for expert in range(layer.model["expert_count"]):
        tokens, places = np.nonzero(chosen == expert)
        if len(tokens):
            out[tokens] += weights[tokens, places, None] * network(layer, expert, x[tokens])
    return out


def shared_expert(layer, x):
    """Serves every token (arXiv:2401.06066, section 3.2), as much as its own gate says, if it has one."""
    out = gated_network(layer, x, "_shexp")
    if "ffn_gate_inp_shexp" in layer:
        out = out * sigmoid(layer.linear("ffn_gate_inp_shexp", x))[:, None]
    return out
