#!/usr/bin/python3
"""Make the golden values of quantized models: llama.cpp's for the files that our quantizer writes.

    tests/parity/make_quantized_golden.py build/release/tests/text_runner [NAME ...]

The models are the F16 ones of this folder; quantized_architecture_test.cpp makes the same files again. Rows
that do not divide into blocks of 256 or 32 fall back to other types, as in published files. Needs what
make_golden.py needs, and a build.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import architectures
import engines
from make_golden import HERE, OTHERS, POSITIONS, tokens_of, write_golden

TYPES = ("Q8_0", "Q4_K")


def main():
    program, names = sys.argv[1], sys.argv[2:]
    known = [name for name in architectures.MODELS if name != "gpt-oss-q8"] + list(OTHERS)
    with tempfile.TemporaryDirectory() as folder:
        for name in names or known:
            vocabulary = OTHERS.get(name, architectures.VOCABULARY)
            for kind in TYPES:
                model = os.path.join(folder, "model.gguf")
                request = {"in": os.path.join(HERE, name + ".gguf"), "out": model, "type": kind}
                done = subprocess.run([program, "quantize"], input=json.dumps(request) + "\n",
                                      stdout=subprocess.PIPE, check=True, text=True).stdout
                if "error" in done:
                    sys.exit(done)
                [logits] = engines.llama_cpp(model, [tokens_of(vocabulary, POSITIONS)])
                write_golden(os.path.join(HERE, "%s.%s.top20" % (name, kind)), logits)
                print(name, kind, flush=True)


if __name__ == "__main__":
    main()
