#!/usr/bin/python3
"""Make the tiny models of encoders.py and the golden values that llama.cpp gives for them.

    PEER_DIR=... tests/parity/make_encoder_golden.py [NAME ...]

PEER_DIR holds the node_modules with npm's node-llama-cpp. A golden file NAME.vectors holds float32
values, little-endian, one vector (or score) after another, for texts of the lengths below;
tests/engine/core/encoder_test.cpp reads them. wordpiece.jsonl holds texts with the tokens of the `bert`
model. Needs python3-numpy. Output is the same at every run.
"""
import json
import os
import subprocess
import sys

import numpy as np

sys.dont_write_bytecode = True
import encoders
from make_golden import tokens_of

HERE = os.path.dirname(os.path.abspath(__file__))
LENGTHS = [1, 7, 24, 40]
TEXTS = [
    "Hello, world!", "the unaffable Café résumé", "  un\thello\n\nWORLD  ", "中文hello中", "$1+2#ab(x)",
    "¿Straße? ß", "xyzzy q", "the\u200bworld un\u00adable", "Жи ЖЖи", "άΆ", "かが が", "hello\u0000world\ufffd!",
    "hellohelloing", "2024.12,3", "", " ", "😀 the", "unзnown", "ÀÉÎ", "\u3000the\u00a0world", "ﬁ ﬂ", "ǅ ab", "[MASK] the [CLS]",
]


def peer(name, request):
    run = subprocess.run(["node", os.path.join(HERE, "peer_embed.mjs"),
                          os.path.join(HERE, name + ".gguf")],
                         input=json.dumps(request), text=True, check=True, stdout=subprocess.PIPE)
    return json.loads(run.stdout.strip().splitlines()[-1])


def main():
    names = sys.argv[1:] or list(encoders.ENCODERS)
    for name in names:
        model = encoders.ENCODERS[name]()
        model.write(os.path.join(HERE, name + ".gguf"))
        vocabulary = len(model.metadata["tokenizer.ggml.tokens"])
        request = {"tokens": [tokens_of(vocabulary, n) for n in LENGTHS],
                   "rank": model.metadata.get(model.architecture + ".pooling_type") == encoders.RANK}
        values = np.array(peer(name, request)["vectors"])
        values.astype("<f4").tofile(os.path.join(HERE, name + ".vectors"))
        print("%-22s %6d bytes, %s values, deviation %.3f" % (
            name, os.path.getsize(os.path.join(HERE, name + ".gguf")), values.shape, values.std()))
    if "bert" in names:
        with open(os.path.join(HERE, "wordpiece.jsonl"), "w") as file:
            for text, ids in zip(TEXTS, peer("bert", {"texts": TEXTS})["ids"]):
                file.write(json.dumps({"text": text, "ids": ids}) + "\n")


if __name__ == "__main__":
    main()
