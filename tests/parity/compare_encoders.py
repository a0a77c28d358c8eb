#!/usr/bin/python3
"""Compare encoders and rerankers with llama.cpp, live, in F16, Q8_0 and Q4_K.

    PEER_DIR=~/peer tests/parity/compare_encoders.py [--write] build/release/tests/text_runner [NAME ...]

Every model of encoders.py is made 16 times as wide, so that its rows divide into blocks of 256, and quantized as
`conclave quantize` does. Exact is what llama.cpp makes of the same weights unpacked to F32, where it rounds no
activation. Printed are mean distances over 16 or 46 texts: 1 - cosine of vectors, squares of scores' differences.
With experts it is the median of quantized models: a text of which rounding changes an expert is far away in either
engine. The bars: F16 within 1e-5 of llama.cpp; quantized, at most 1.5 times as far from exact as llama.cpp. Ends
with 1 if one is missed. Takes some seven seconds of processor time a model. PEER_DIR holds the node_modules with
npm's node-llama-cpp; needs python3-numpy and a build.

--write makes the golden files NAME.TYPE.vectors instead: llama.cpp's values for the small models of this folder,
which encoder_test.cpp quantizes in the same way.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.dont_write_bytecode = True
import encoders
import engines
import wide_models
from make_golden import tokens_of

HERE = os.path.dirname(os.path.abspath(__file__))
LONGEST = 47
TYPES = ("Q8_0", "Q4_K")
FARTHEST_F16, BAR, FLOOR = 1e-5, 1.5, 1e-6
# Made in another type than F16 already.
SAME = ("bert-q8",)


class WideBuilder(wide_models.WideBuilder):
    """Positions, kinds of text and scores stay as many as they are."""

    def set(self, **keys):
        super().set(**{key: value * wide_models.SCALE if key.startswith("dense_") else value
                       for key, value in keys.items()})

    @staticmethod
    def _wide(name, shape):
        if name in ("position_embd.weight", "token_types.weight", "cls.output.weight", "cls.output"):
            return (shape[0] * wide_models.SCALE,) + shape[1:]
        return shape if name == "cls.output.bias" else wide_models.WideBuilder._wide(name, shape)


def texts_for(model, rank):
    """Of scores, and where rounding may change an expert, more: else chance decides."""
    step = 1 if rank or model.architecture == "nomic-bert-moe" else 3
    vocabulary = len(model.metadata["tokenizer.ggml.tokens"])
    return [tokens_of(vocabulary, n) for n in range(2, LONGEST + 1, step)]


def write_wide(name, path):
    before = encoders.Builder
    try:
        encoders.Builder = WideBuilder
        encoders.Encoder.__bases__ = (WideBuilder,)
        encoders.ENCODERS[name]().write(path)
    finally:
        encoders.Builder = before
        encoders.Encoder.__bases__ = (before,)


def llama_cpp(path, texts, rank):
    run = subprocess.run(["node", os.path.join(HERE, "peer_embed.mjs"), path], check=True, stdout=subprocess.PIPE,
                         input=json.dumps({"tokens": texts, "rank": rank}), text=True)
    return np.array(json.loads(run.stdout.strip().splitlines()[-1])["vectors"])


def conclave(runner, path, texts):
    lines = "".join(json.dumps({"tokens": text}) + "\n" for text in texts)
    run = subprocess.run([runner, "embed", path], input=lines, check=True, stdout=subprocess.PIPE, text=True)
    return np.array([json.loads(line)["vector"] for line in run.stdout.splitlines()])


def distance(a, b, average=np.mean):
    if a.shape[1] == 1:
        return float(average((a - b) ** 2))
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return float(average(1 - cosines))


def write_golden(runner, name, folder):
    model = encoders.ENCODERS[name]()
    rank = model.metadata.get(model.architecture + ".pooling_type") == encoders.RANK
    texts = texts_for(model, rank)
    for kind in TYPES:
        path = os.path.join(folder, kind + ".gguf")
        engines.quantize(runner, os.path.join(HERE, name + ".gguf"), path, kind)
        values = llama_cpp(path, texts, rank)
        values.astype("<f4").tofile(os.path.join(HERE, "%s.%s.vectors" % (name, kind)))
        print(name, kind, values.shape, flush=True)


def compare(runner, name, folder):
    """False if a bar is missed."""
    path = {kind: os.path.join(folder, kind + ".gguf") for kind in ("F16", "F32") + TYPES}
    write_wide(name, path["F16"])
    model = encoders.ENCODERS[name]()
    rank = model.metadata.get(model.architecture + ".pooling_type") == encoders.RANK
    texts = texts_for(model, rank)
    apart = distance(conclave(runner, path["F16"], texts), llama_cpp(path["F16"], texts, rank))
    good = apart <= FARTHEST_F16
    shown = "%-22s F16 %.1e apart" % (name, apart)
    for kind in TYPES:
        engines.quantize(runner, path["F16"], path[kind], kind)
        engines.quantize(runner, path[kind], path["F32"], "F32")
        exact = llama_cpp(path["F32"], texts, rank)
        average = np.median if model.architecture == "nomic-bert-moe" else np.mean
        ours = distance(conclave(runner, path[kind], texts), exact, average)
        theirs = distance(llama_cpp(path[kind], texts, rank), exact, average)
        good = good and ours <= max(BAR * theirs, FLOOR)
        shown += "; %s ours %.1e from exact, llama.cpp's %.1e" % (kind, ours, theirs)
    print(shown + ("" if good else "  MISSED"), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runner")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    names = options.names or [name for name in encoders.ENCODERS if name not in SAME]
    with tempfile.TemporaryDirectory() as folder:
        if options.write:
            for name in names:
                write_golden(options.runner, name, folder)
            return
        good = [compare(options.runner, name, folder) for name in names]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
