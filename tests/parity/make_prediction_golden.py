#!/usr/bin/python3
"""Writes the golden values of prediction layers: NAME-prediction.top20 beside the models that have one.

  tests/parity/make_prediction_golden.py [NAME...]

DeepSeek-V3 (arXiv:2412.19437), section 2.2, and GLM-4.5 (arXiv:2508.06471), section 2.1, with the reference's
layers. Position i tells what the layer makes of the model's state of token i and of token i + 1. The files have
the form of make_golden.py's. Needs python3-numpy. Output is the same at every run.
"""
import os
import sys

import numpy as np

sys.dont_write_bytecode = True
import reference
from make_golden import HERE, POSITIONS, tokens_of, write_golden

NAMES = ["deepseek2-mtp", "glm4moe"]


def prediction(model, tokens):
    """Logits of every pair of neighbours."""
    [x] = reference.states(model, [tokens])
    ends = reference.Part(model)
    layer = reference.Layer(model, reference.n_layers(model), len(tokens))
    joined = np.concatenate([layer.norm("nextn.enorm", model.rows("token_embd.weight", tokens[1:])),
                             layer.norm("nextn.hnorm", ends.norm("output_norm", x[:-1]))], -1)
    x = reference.architecture_of(model).block(layer, layer.linear("nextn.eh_proj", joined))
    own = "nextn.shared_head_norm"
    return ends.linear("output", layer.norm(own, x) if own in layer else ends.norm("output_norm", x))


def main():
    for name in sys.argv[1:] or NAMES:
        model = reference.Model(os.path.join(HERE, name + ".gguf"))
        tokens = tokens_of(model["vocab_size"], POSITIONS + 1)
        write_golden(os.path.join(HERE, name + "-prediction.top20"), prediction(model, tokens))


if __name__ == "__main__":
    main()
