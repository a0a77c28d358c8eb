#!/usr/bin/python3
"""Make the golden values of quantized models: llama.cpp's for the files that our quantizer writes.

    tests/parity/make_quantized_golden.py build/release/tests/text_runner [NAME ...]

Of the F16 models of this folder, which quantized_architecture_test.cpp quantizes again: their rows do not divide
into blocks of 256, and partly not of 32, and fall back to other types, as in published files. And of the wide
models, which check_quantized.py makes again: these hold K types. Needs what make_golden.py needs, and a build.
"""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
import architectures
import check_quantized
import engines
import wide_models
from make_golden import HERE, OTHERS, POSITIONS, tokens_of, write_golden

TYPES = ("Q8_0", "Q4_K")


def write(name, model, vocabulary, **settings):
    [logits] = engines.llama_cpp(model, [tokens_of(vocabulary, POSITIONS)], **settings)
    write_golden(os.path.join(HERE, name + ".top20"), logits)
    print(name, flush=True)


def main():
    program, names = sys.argv[1], sys.argv[2:]
    known = [name for name in architectures.MODELS if name != "gpt-oss-q8"] + list(OTHERS)
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.gguf")
        for name in names or known:
            for kind in TYPES:
                engines.quantize(program, os.path.join(HERE, name + ".gguf"), model, kind)
                write("%s.%s" % (name, kind), model, OTHERS.get(name, architectures.VOCABULARY))
        for name in names or wide_models.names():
            for kind in check_quantized.KINDS:
                check_quantized.write_model(name, kind, model, program)
                # With flash attention it is up to six times as far from exact (deepseek3, with AVX-512).
                write(check_quantized.golden_name(name, kind), model, architectures.VOCABULARY, flash=False)


if __name__ == "__main__":
    main()
