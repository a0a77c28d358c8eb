#!/usr/bin/python3
"""Write docs/MODELS.md: the architectures and how far their logits are from llama.cpp's.

    tests/parity/make_models_page.py build/release/tests/engine_core_test

What an architecture is comes from the first comment of its file in engine/model/architectures, the
figures from the tests, so neither can be told otherwise here.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "engine/model/architectures")
ENCODERS = os.path.join(ROOT, "engine/encoder/architectures")
# Golden models by architecture, where the name is not that of the architecture.
MODELS = {"deepseek2": ["deepseek3"], "llama": ["mixtral", "llama-dense"],
          "phi3": ["phi3", "phi3-long"]}
ENCODER_MODELS = {"bert": ["bert", "bert-cls", "bert-q8", "bert-rank"],
                  "gemma-embedding": ["gemma-embedding", "gemma-embedding-plain"],
                  "jina-bert-v2": ["jina-bert-v2", "jina-bert-v2-geglu"],
                  "qwen3": ["qwen3-embedding", "qwen3-reranker"]}
PAGE = """# Models

GGUF files of these architectures run. Each has tiny models with random weights in `tests/parity`, whose
log-probabilities are held to those that llama.cpp gives for the same file: the 20 best tokens at every
position of a fixed text. The bars are a mean Kullback-Leibler divergence of 1e-5 and a difference of
0.01 in any of those log-probabilities, for F16 weights, with every kernel set that the processor has.
The bits are the same however the prompt is cut into batches, and for any number of threads. What is
left comes from llama.cpp's rounding of activations to F16, which we do not do, and of GELU to a table:
with F32 weights that of ernie4_5-moe, for one, falls to 2e-4.

| architecture | what it is | tiny model | mean KL | largest difference |
| --- | --- | --- | --- | --- |
%s
## Models for search

Embedders and rerankers run for search (`conclave models embedder NAME`, `conclave models reranker NAME`).
How a text's vector is pooled and normalised comes from the file, and what a family wants to read before
questions and passages from `engine/encoder/text_prefixes.cpp`. The tiny models' vectors are held to
llama.cpp's: a cosine above 0.99999 and less than 0.001 in any value of the unit vector, for F16 weights
(rerankers: in the score before the sigmoid). A text's vector has the same bits alone and among others.

| architecture | what it is | tiny model | 1 - cosine | largest difference |
| --- | --- | --- | --- | --- |
%s
Tokenizers: SentencePiece BPE, byte-level BPE, Unigram and WordPiece.

Any other architecture is refused with "the architecture X is not supported; the closest that is: Y".

This page is written by `tests/parity/make_models_page.py build/release/tests/engine_core_test`. New
golden values: `tests/parity/make_golden.py` and `make_encoder_golden.py`, which need llama.cpp's npm package. A
new architecture: see `engine/model/architectures/architectures.h` and that of `engine/encoder`.
"""


def figures(program, tests, kinds):
    """{test: {figure: worst of the kernel sets}}"""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "figures.json")
        subprocess.run([program, "--gtest_filter=" + tests, "--gtest_output=json:" + out],
                       check=True, stdout=subprocess.DEVNULL)
        with open(out) as file:
            suites = json.load(file)["testsuites"]
    found = {}
    for test in (test for suite in suites for test in suite["testsuite"]):
        values = {kind: [float(v) for k, v in test.items() if k.startswith(kind + "-")]
                  for kind in kinds}
        found[test["name"].split("/")[-1]] = {kind: max(v) for kind, v in values.items() if v}
    return found


def architectures(folder, table):
    """(name in files, what its description's first comment says)"""
    with open(os.path.join(folder, "..", table)) as file:
        entries = re.findall(r'Architecture\{"([^"]+)", \w+::(\w+)', file.read())
    for name, function in entries:
        for entry in sorted(os.listdir(folder)):
            with open(os.path.join(folder, entry)) as file:
                text = file.read()
            if re.search(r"^void %s\(Keys& .*keys.*, \w+& model\) \{" % function, text, re.M):
                comment = " ".join(line[3:] for line in
                                   re.match(r"(//.*\n)+", text).group(0).splitlines())
                yield name, comment.split(": ", 1)[1]
                break
        else:
            sys.exit("no file describes " + name)


def table_of(found, entries, models_of, kind):
    rows = ""
    for name, what in entries:
        models = models_of.get(name, [name])
        for model in models:
            figure = found[re.sub(r"[-.]", "_", model)]
            shown = what if model == models[0] else ""
            # A reranker's score has no direction.
            first = "%.1e" % figure[kind] if not model.endswith(("rank", "reranker")) else ""
            rows += "| `%s` | %s | %s | %s | %.4f |\n" % (name, shown, model, first, figure["max"])
    return rows


def main():
    rows = table_of(figures(sys.argv[1], "*.LogProbabilities*", ("kl", "max")),
                    architectures(FOLDER, "model_config.cpp"), MODELS, "kl")
    encoders = table_of(figures(sys.argv[1], "*.VectorsEqualLlamaCpp*", ("cosine", "max")),
                        architectures(ENCODERS, "encoder_config.cpp"), ENCODER_MODELS, "cosine")
    with open(os.path.join(ROOT, "docs/MODELS.md"), "w") as file:
        file.write(PAGE % (rows, encoders))


if __name__ == "__main__":
    main()
