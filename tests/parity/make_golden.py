#!/usr/bin/python3
"""Make the tiny models of architectures.py and the golden values that llama.cpp gives for them.

    tests/parity/make_golden.py [NAME ...]

Runs llama.cpp from the public npm package (PEER_DIR says where that is installed).
A golden file NAME.top20 holds, for each of the 256 positions of a fixed text, the 20 best tokens, best
first: the id, and how much lower its log-probability is than that of the one before, in steps of 1/16384
(the first: than 0), both as LEB128 numbers. tests/engine/core/golden_logits.h reads them, so the tests need
neither npm nor Python. Needs python3-numpy. Output is the same at every run.
"""
import os
import sys

import numpy as np

sys.dont_write_bytecode = True
import architectures
import engines

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = 20
# Models of make_parity.py, which have logits of another reference; here come llama.cpp's.
OTHERS = {"deepseek3": 320, "mixtral": 320, "llama-dense": 320}
POSITIONS = 256
STEPS = 16384  # a third of a thousandth of the bar of 0.01


def tokens_of(vocabulary, n, text=1):
    """The first text is that of the golden files, as golden_logits.h makes it, too."""
    state, tokens = text, []
    for _ in range(n):
        state = (state * 1103515245 + 12345) % 2**32
        tokens.append((state >> 16) % vocabulary)
    return tokens


def log_probabilities(logits):
    largest = logits.max(1, keepdims=True)
    return logits - largest - np.log(np.exp(logits - largest).sum(1, keepdims=True))


def leb128(value):
    raw = bytearray()
    while value > 127:
        raw.append(value & 127 | 128)
        value >>= 7
    raw.append(value)
    return raw


def write_golden(path, logits):
    logs = log_probabilities(logits)
    best = np.argsort(-logs, axis=1, kind="stable")[:, :TOP]
    steps = np.rint(-np.take_along_axis(logs, best, 1) * STEPS).astype(int)
    drops = np.diff(steps, axis=1, prepend=0)
    with open(path, "wb") as file:
        for token, drop in zip(best.ravel(), drops.ravel()):
            file.write(leb128(int(token)) + leb128(int(drop)))


def read_golden(path):
    """[position][20] of ids, and of log-probabilities."""
    with open(path, "rb") as file:
        raw = np.frombuffer(file.read(), np.uint8).astype(int)
    ends = np.flatnonzero(raw < 128)
    starts = np.concatenate([[0], ends[:-1] + 1])
    places = 7 * (np.arange(len(raw)) - np.repeat(starts, ends - starts + 1))
    numbers = np.add.reduceat((raw & 127) << places, starts).reshape(-1, TOP, 2)
    return numbers[:, :, 0], -np.cumsum(numbers[:, :, 1], axis=1) / STEPS


def main():
    recipes = {**architectures.MODELS, **architectures.VARIANTS}
    for name in sys.argv[1:] or list(recipes) + list(OTHERS):
        path = os.path.join(HERE, name + ".gguf")
        vocabulary = OTHERS.get(name, architectures.VOCABULARY)
        if name in recipes:
            recipes[name]().write(path)
        [logits] = engines.llama_cpp(path, [tokens_of(vocabulary, POSITIONS)])
        write_golden(os.path.join(HERE, name + ".top20"), logits)
        print("%-14s %6d bytes, logits' deviation %.2f" % (name, os.path.getsize(path), logits.std()))


if __name__ == "__main__":
    main()
