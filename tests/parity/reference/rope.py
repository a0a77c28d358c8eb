"""Rotary positions (arXiv:2104.09864), and the ways to stretch them for longer contexts."""
import numpy as np


def _yarn(model, frequencies, dim, base):
    """YaRN (arXiv:2309.00071), section 3.2: slow waves are stretched, fast ones stay."""
    factor = scaling(model)[1]
    original = model.get("rope.scaling.original_context_length", model["context_length"])

    def pair(rotations):
        """The pair that makes so many turns over the original context."""
        return dim * np.log(original / (rotations * 2 * np.pi)) / (2 * np.log(base))

    fast, slow = 32.0, 1.0
    if model.architecture == "mistral3":  # llama.cpp reads these keys for it alone
        fast = model.get("rope.scaling.yarn_beta_fast", fast)
        slow = model.get("rope.scaling.yarn_beta_slow", slow)
    low = max(0, np.floor(pair(fast)))
    high = min(dim - 1, np.ceil(pair(slow)))
    stretched = np.clip((np.arange(dim // 2) - low) / max(0.001, high - low), 0, 1)
    return frequencies * (1 - stretched) + frequencies / factor * stretched


def _divisors(layer):
    """LongRoPE (arXiv:2402.13753) has a list for short contexts and one for long ones; Llama 3.1 has one."""
    model = layer.model
    if model.has("rope_factors_long.weight"):
        original = model.get("rope.scaling.original_context_length", model["context_length"])
        return model.tensor("rope_factors_%s.weight" % ("long" if layer.context > original else "short"))
    return model.tensor("rope_freqs.weight") if model.has("rope_freqs.weight") else 1.0


def scaling(model):
    """The kind and the factor; without a kind a factor is linear."""
    kind = model.get("rope.scaling.type", "linear")
    factor = model.get("rope.scaling.factor", model.get("rope.scale_linear", 0)) or 1.0
    return kind, 1.0 if kind == "none" else factor


def stretched_frequencies(layer, dim, base=None):
    """Angles a position, of the dim / 2 pairs, as the file wants them."""
    model = layer.model
    base = base or model.get("rope.freq_base", 10000.0)
    if model.architecture == "hunyuan-dense":  # NTK-aware scaling with a fixed alpha
        base *= model.get("rope.scaling.alpha", 1.0) ** (dim / (dim - 2))
    frequencies = plain_frequencies(base, dim) / _divisors(layer)
    kind, factor = scaling(model)
    return _yarn(model, frequencies, dim, base) if kind == "yarn" else frequencies / factor


def plain_frequencies(base, dim):
    return base ** (-2 * np.arange(dim // 2) / dim)


def magnitude(model):
    """Queries and keys grow where the context was stretched: YaRN, section 3.4, and LongRoPE."""
    kind, factor = scaling(model)
    own = 1 + 0.1 * np.log(factor) if kind == "yarn" else 1.0
    if kind == "yarn" and model.architecture == "mistral3":
        own /= 1 + 0.1 * model.get("rope.scaling.yarn_log_multiplier", 0.0) * np.log(factor)
    return own * model.get("rope.scaling.attn_factor", 1.0)


def _turn(x, frequencies, size, first, second):
    angles = np.outer(np.arange(len(x)), frequencies)[:, None]
    cos, sin = size * np.cos(angles), size * np.sin(angles)
    out = x.copy()
    out[..., first] = x[..., first] * cos - x[..., second] * sin
    out[..., second] = x[..., first] * sin + x[..., second] * cos
    return out


def rotate_pairs(x, frequencies, size=1.0):
    """[token][head][value]: values 2 i and 2 i + 1 are a point that turns. Values past the last pair stay."""
    dim = 2 * len(frequencies)
    return _turn(x, frequencies, size, slice(0, dim, 2), slice(1, dim, 2))


def rotate_halves(x, frequencies, size=1.0):
    """As above, but of the values that turn, i of the first half and i of the second are a point."""
    n = len(frequencies)
    return _turn(x, frequencies, size, slice(0, n), slice(n, 2 * n))
