"""The convolution over past tokens that layers with a memory begin with."""
import numpy as np


def convolved(layer, name, x):
    """Each channel is a weighed sum of its own last inputs, with a bias if the file has one."""
    taps = layer.weight(name)  # [channel][tap], the newest last
    n_taps = taps.shape[1]
    padded = np.concatenate([np.zeros((n_taps - 1, x.shape[1])), x])
    out = sum(padded[i:i + len(x)] * taps[:, i] for i in range(n_taps))
    return out + layer.weight(name + ".bias") if name + ".bias" in layer else out
