#!/usr/bin/python3
"""Make the tiny models of architectures.py and the golden values that llama.cpp gives for them.

    tests/parity/make_golden.py ../shared/tools/peer_llama.mjs [NAME ...]

The script named runs llama.cpp from the public npm package (PEER_DIR says where that is installed).
A golden file NAME.top20 holds, for each position of a fixed text, the 20 best tokens: uint16 id and
float32 log-probability, little-endian, best first. tests/engine/core/architecture_test.cpp reads them,
so the tests need neither npm nor Python. Needs python3-numpy. Output is the same at every run.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.dont_write_bytecode = True
import architectures

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = 20
# Models of make_parity.py, which have logits of another reference; here come llama.cpp's.
OTHERS = {"deepseek3": (320, 40), "mixtral": (320, 40), "llama-dense": (320, 40)}
POSITIONS = 128


def tokens_of(vocabulary, n):
    """The text, as architecture_test.cpp makes it, too."""
    state, tokens = 1, []
    for _ in range(n):
        state = (state * 1103515245 + 12345) % 2**32
        tokens.append((state >> 16) % vocabulary)
    return tokens


def peer_logits(peer, model, vocabulary, tokens, *more):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "logits.f32")
        subprocess.run(["node", peer, "logits", "--model", model, "--threads", "1", "--out", out,
                        "--tokens", ",".join(map(str, tokens)), *more],
                       check=True, stdout=subprocess.DEVNULL)
        return np.fromfile(out, "<f4").reshape(len(tokens), vocabulary).astype(np.float64)


def write_golden(path, logits):
    largest = logits.max(1, keepdims=True)
    logs = logits - largest - np.log(np.exp(logits - largest).sum(1, keepdims=True))
    best = np.argsort(-logs, axis=1, kind="stable")[:, :TOP]
    golden = np.empty(best.shape, dtype=[("id", "<u2"), ("log", "<f4")])
    golden["id"], golden["log"] = best, np.take_along_axis(logs, best, 1)
    golden.tofile(path)


def main():
    peer, names = sys.argv[1], sys.argv[2:]
    for name in names or list(architectures.MODELS) + list(OTHERS):
        path = os.path.join(HERE, name + ".gguf")
        vocabulary, n = OTHERS.get(name, (architectures.VOCABULARY, POSITIONS))
        if name in architectures.MODELS:
            architectures.MODELS[name]().write(path)
        logits = peer_logits(peer, path, vocabulary, tokens_of(vocabulary, n))
        write_golden(os.path.join(HERE, name + ".top20"), logits)
        print("%-14s %6d bytes, logits' deviation %.2f" % (name, os.path.getsize(path), logits.std()))


if __name__ == "__main__":
    main()
