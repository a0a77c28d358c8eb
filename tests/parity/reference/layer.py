"""The steps that all architectures take: products with weights, norms, networks of three matrices."""
import numpy as np


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def silu(x):
    return x * sigmoid(x)


def gelu(x):
    """The form with the hyperbolic tangent (arXiv:1606.08415, section 2)."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def rms_norm(x, epsilon):
    """arXiv:1910.07467"""
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon)


def layer_norm(x, epsilon):
    """arXiv:1607.06450"""
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon)


class Part:
    """Weights of one part of a model, whose names begin alike. Each is unpacked once and kept as long as this.

    @param beginning  "blk.3." for a layer, "" for what comes before and after them
    """

    def __init__(self, model, beginning=""):
        self.model, self._beginning, self._kept = model, beginning, {}

    def __contains__(self, name):
        return self.model.has(self._full(name))

    def _full(self, name):
        """Names here are without the ".weight" that most of them end with."""
        full = self._beginning + name
        return full if self.model.has(full) else full + ".weight"

    def weight(self, name):
        if name not in self._kept:
            self._kept[name] = self.model.tensor(self._full(name))
        return self._kept[name]

    def linear(self, name, x, expert=None):
        """With a bias if the file has one. `expert` is a place in a tensor of all experts."""
        at = slice(None) if expert is None else expert
        y = x @ self.weight(name)[at].T
        return y + self.weight(name + ".bias")[at] if name + ".bias" in self else y

    def norm(self, name, x):
        epsilon = self.model.get("attention.layer_norm_rms_epsilon")
        y = layer_norm(x, self.model["attention.layer_norm_epsilon"]) if epsilon is None else rms_norm(x, epsilon)
        y = y * self.weight(name)
        return y + self.weight(name + ".bias") if name + ".bias" in self else y


class Layer(Part):
    """One block of a model, for texts of no more tokens than `context`."""

    def __init__(self, model, index, context):
        super().__init__(model, "blk.%d." % index)
        self.index, self.context = index, context


def gated_network(layer, x, ending="", activation=silu):
    """The second half of a block (arXiv:2002.05202): `ending` "_shexp" is that of shared experts."""
    if "ffn_gate" + ending in layer:
        gate, up = (layer.linear(name + ending, x) for name in ("ffn_gate", "ffn_up"))
    else:  # in one matrix, the gate first
        gate, up = np.split(layer.linear("ffn_up" + ending, x), 2, axis=-1)
    return layer.linear("ffn_down" + ending, activation(gate) * up)
