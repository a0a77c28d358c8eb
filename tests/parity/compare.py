#!/usr/bin/python3
"""Compare Conclave with llama.cpp on any GGUF file, over the whole vocabulary.

    tests/parity/compare.py build/release/bin/conclave ../shared/tools/peer_llama.mjs MODEL.gguf ...

The second program is the one that make_golden.py needs. Prints the mean Kullback-Leibler divergence,
the largest difference of a log-probability among llama.cpp's 20 best, and how often both have the same
best token. Needs python3-numpy.
"""
import json
import subprocess
import sys

import numpy as np

sys.dont_write_bytecode = True
from make_golden import TOP, peer_logits, tokens_of

POSITIONS = 128


def vocabulary_of(program, model):
    """Asks for more tokens than there are."""
    return len(own_logs(program, model, [0])[0])


def own_logs(program, model, tokens):
    """[position][token] of log-probabilities"""
    text = subprocess.run([program, "logits", "--model", model, "--top", "100000", "--json",
                           "--tokens", ",".join(map(str, tokens))],
                          check=True, stdout=subprocess.PIPE).stdout
    rows = []
    for position in json.loads(text)["positions"]:
        row = np.empty(len(position["top"]))
        for token, log in position["top"]:
            row[token] = log
        rows.append(row)
    return np.array(rows)


def main():
    program, peer, models = sys.argv[1], sys.argv[2], sys.argv[3:]
    for model in models:
        vocabulary = vocabulary_of(program, model)
        tokens = tokens_of(vocabulary, POSITIONS)
        ours = own_logs(program, model, tokens)
        theirs = peer_logits(peer, model, vocabulary, tokens)
        theirs -= np.log(np.exp(theirs - theirs.max(1, keepdims=True)).sum(1, keepdims=True)) + \
            theirs.max(1, keepdims=True)
        divergence = (np.exp(theirs) * (theirs - ours)).sum(1).mean()
        best = np.argsort(-theirs, axis=1)[:, :TOP]
        largest = np.abs(np.take_along_axis(ours - theirs, best, 1)).max()
        same = (ours.argmax(1) == theirs.argmax(1)).mean()
        print("%-40s KL %.1e, largest difference %.4f, same best %.3f" %
              (model.split("/")[-1], divergence, largest, same))


if __name__ == "__main__":
    main()
