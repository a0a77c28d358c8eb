"""What one architecture is: its block, and what it does to the embedding and to the logits."""
from typing import Callable, NamedTuple

import numpy as np


class Architecture(NamedTuple):
    block: Callable  # (layer, [token][value]) to the same
    embedding_scale: Callable = lambda model: 1.0
    finish: Callable = lambda model, logits: logits
    norm_at_end: str = "output_norm"


def root_of_width(model):
    return np.sqrt(model["embedding_length"])


def capped(model, logits, cap):
    return cap * np.tanh(logits / cap) if cap else logits
