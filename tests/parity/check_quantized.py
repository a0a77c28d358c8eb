#!/usr/bin/python3
"""See that K types are computed as exactly as llama.cpp does it, in every architecture.

    tests/parity/check_quantized.py build/release/tests/text_runner [MODEL ...]

The models of wide_models.py, whose rows divide into blocks of 256, are made here again: once in Q4_K, as
`conclave quantize` writes it, and once of blocks of random bits in Q2_K, Q3_K, Q4_K, Q5_K and Q6_K, a matrix each
in turn. llama.cpp's golden values for these files (make_quantized_golden.py) and ours, with the best kernels of this
processor and with those of AVX2, are compared with exact arithmetic (reference). The bar is that of run_quantized: ours
is at most 1.5 times as far as llama.cpp's. That llama.cpp's is near exact shows that weights are unpacked
rightly, and that the files are those of the golden values. Ends with 1 if something is missed, with 77 if numpy
is missing.
"""
import argparse
import os
import sys
import tempfile

sys.dont_write_bytecode = True
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # tests run beside each other
try:
    import numpy as np
except ImportError:
    print("skipped: this needs numpy (apt-get install python3-numpy)")
    sys.exit(77)

import architectures
import engines
import reference
import wide_models
from make_golden import HERE, POSITIONS, log_probabilities, read_golden, tokens_of

Q4_K, ALL_K = KINDS = "Q4_K", wide_models.ALL_K
# By their numbers in GGUF. Models with 8 experts have Q5_K, too, in a file of Q4_K.
K_TYPES = {10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K"}
EXPECTED = {Q4_K: {"Q4_K", "Q6_K"}, ALL_K: set(K_TYPES.values())}
KERNELS = ("", "avx2")  # CONCLAVE_ISA; the tests of kernels compare them with those of the scalar set
BAR = 1.5
# Where a router is close to a tie, rounding changes an expert and all that follows. Of one text these
# are too few positions for their mean not to be chance, so that with experts the others alone are held to the
# bar, and the mean of all is only to be that of a few such positions.
TYPICAL, WITH_EXPERTS = 0.95, 0.05
# Of what is typical. A wrong scale of one matrix makes a hundred times as much.
FARTHEST_PEER = 2e-3
CONTEXT = POSITIONS + 8


def golden_name(name, kind):
    return "%s.wide.%s" % (name, kind)


def write_model(name, kind, path, runner):
    if kind == ALL_K:
        wide_models.write(name, path, ALL_K)
        return
    source = path + ".f16"
    wide_models.write(name, source)
    engines.quantize(runner, source, path, kind)
    os.remove(source)


def with_others(logs, tokens):
    """Of these tokens, and of all others as one."""
    best = np.take_along_axis(logs, tokens, 1)
    return np.hstack([best, np.log(np.maximum(1 - np.exp(best).sum(1, keepdims=True), 1e-6))])


def distances(exact, logs):
    """Mean divergence of all positions, and of all but the farthest."""
    rows = np.sort((np.exp(exact) * (exact - logs) - np.exp(exact) + np.exp(logs)).sum(1))
    return rows.mean(), rows[:int(len(rows) * TYPICAL)].mean()


def own_logs(runner, path, tokens, kernels):
    os.environ["CONCLAVE_ISA"] = kernels
    [logits] = engines.conclave(runner, path, [tokens])
    return log_probabilities(logits)


def check(name, kind, path, runner):
    write_model(name, kind, path, runner)
    missing = EXPECTED[kind] - {K_TYPES.get(each) for each in reference.Model(path).types()}
    if missing:
        print("MISSED %-14s %-5s has no tensor in %s" % (name, kind, ", ".join(sorted(missing))), flush=True)
        return False
    tokens = tokens_of(architectures.VOCABULARY, POSITIONS)
    best, golden = read_golden(os.path.join(HERE, golden_name(name, kind) + ".top20"))
    golden = np.hstack([golden, np.log(np.maximum(1 - np.exp(golden).sum(1, keepdims=True), 1e-6))])
    exact = with_others(log_probabilities(reference.logits(path, [tokens], CONTEXT)[0]), best)
    theirs, typical = distances(exact, golden)
    good, text = typical <= FARTHEST_PEER, "llama.cpp %.1e, typical %.1e" % (theirs, typical)
    for kernels in KERNELS:
        own, own_typical = distances(exact, with_others(own_logs(runner, path, tokens, kernels), best))
        bar = WITH_EXPERTS if wide_models.has_experts(name) else BAR * theirs
        good &= own <= bar and own_typical <= BAR * typical
        text += "; ours%s %.1e, %.1e" % (" " * bool(kernels) + kernels, own, own_typical)
    print("%-6s %-14s %-5s %s" % ("ok" if good else "MISSED", name, kind, text), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runner", help="tests/text_runner of a build")
    parser.add_argument("models", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        results = [check(name, kind, path, options.runner)
                   for name in options.models or wide_models.names() for kind in KINDS]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
