#!/usr/bin/python3
"""See that the reference is right, by what others gave for the same files.

    tests/parity/check_reference.py [MODEL ...] [--engine build/release/tests/text_runner]

Its logits for the tiny models of this folder are compared with llama.cpp's golden ones (llama.cpp keeps keys and
values, and with F16 weights activations, in F16: some 1e-7 in the mean) and with those of make_parity.py, and
what it unpacks from each weight type with ggml's bits. The bars are those of the engine itself: a mean
Kullback-Leibler divergence of 1e-5 and 0.01 in any log-probability of llama.cpp's 20 best, but for the near ties
that compare.py has proven. With --engine ours, too, is compared with the reference, and held to a tenth of that
divergence: all that it rounds is the cache. Ends with 1 if something is missed, with 77 if numpy is missing.
"""
import argparse
import glob
import json
import os
import struct
import sys

sys.dont_write_bytecode = True
try:
    import numpy as np
except ImportError:
    print("skipped: this needs numpy (apt-get install python3-numpy)")
    sys.exit(77)

import architectures
import engines
import reference
from make_golden import HERE, OTHERS, POSITIONS, TOP, log_probabilities, read_golden, tokens_of
from reference.weight_types import dequantize

LARGEST, MEAN = 0.01, 1e-5
ENGINE_MEAN = 1e-6
# llama.cpp rounds the activations that 8-bit weights meet; run_quantized compares such models.
ROUNDED = ("gpt-oss-q8",)
# The context that golden values were made in, from which LongRoPE chooses.
CONTEXT = POSITIONS + 8


def near_ties(name):
    """Positions of the golden text."""
    with open(os.path.join(HERE, "near_ties.txt")) as file:
        lines = [line.split() for line in file]
    return [int(line[2]) for line in lines if line[:2] == [name, "1"]]


def divergence_terms(logs, from_logs):
    """Without the part that is the rounding of the golden values' sum; see golden_distance.h."""
    return np.exp(logs) * (logs - from_logs) - np.exp(logs) + np.exp(from_logs)


def distance(golden, logs):
    """Mean divergence of the golden 20 best and all others as one, and the largest difference of a position."""
    tokens, best = golden
    own = np.take_along_axis(logs, tokens, 1)
    others, own_others = (1 - np.exp(each).sum(1) for each in (best, own))
    counts = (others > 1e-6) & (own_others > 1e-6)
    rest = divergence_terms(np.log(others[counts]), np.log(own_others[counts])).sum()
    return (divergence_terms(best, own).sum() + rest) / len(logs), np.abs(own - best).max(1)


def golden_names():
    known = [*architectures.MODELS, *architectures.VARIANTS, *OTHERS]
    return [name for name in known if name not in ROUNDED]


def but_for_ties(name, largest):
    """The largest difference, and how many near ties that leaves out."""
    excused = [position for position in near_ties(name) if largest[position] >= LARGEST]
    largest[excused] = 0
    return largest.max(), len(excused)


def golden_figures(name, engine=None):
    """{"llama.cpp" and "engine": mean divergence, and as but_for_ties}: from the reference"""
    path = os.path.join(HERE, name)
    tokens = tokens_of(OTHERS.get(name, architectures.VOCABULARY), POSITIONS)
    logs = log_probabilities(reference.logits(path + ".gguf", [tokens], CONTEXT)[0])
    mean, largest = distance(read_golden(path + ".top20"), logs)
    found = {"llama.cpp": (mean, *but_for_ties(name, largest))}
    if engine:
        own = log_probabilities(engines.conclave(engine, path + ".gguf", [tokens])[0])
        best = np.argsort(-logs, axis=1)[:, :TOP]
        largest = np.abs(np.take_along_axis(own - logs, best, 1)).max(1)
        mean = (np.exp(logs) * (logs - own)).sum(1).mean()
        found["engine"] = (mean, *but_for_ties(name, largest))
    return found


def check_golden(name, engine):
    good, text = True, []
    for who, (mean, largest, n_excused) in golden_figures(name, engine).items():
        good &= mean <= (MEAN if who == "llama.cpp" else ENGINE_MEAN) and largest < LARGEST
        text.append("%s KL %.1e, largest difference %.4f%s" %
                    (who, mean, largest, " but for %d near ties" % n_excused if n_excused else ""))
    print("%-6s %-17s %s" % ("ok" if good else "MISSED", name, "; ".join(text)))
    return good


def check_logits(name):
    """Those of make_parity.py, for 40 tokens."""
    expected = np.fromfile(os.path.join(HERE, name + ".logits"), "<f4").reshape(40, -1).astype(float)
    tokens = [(i * i * 37 + 11 * i + 5) % expected.shape[1] for i in range(len(expected))]
    models = [name] + (["mixtral-split"] if name == "mixtral" else [])  # the same weights, a tensor an expert
    for model in models:
        [logits] = reference.logits(os.path.join(HERE, model + ".gguf"), [tokens])
        largest = np.abs(logits - expected).max()
        good = largest < 1e-4
        print("%-6s %-17s largest difference of a logit %.1e" % ("ok" if good else "MISSED", model, largest))
        if not good:
            return False
    return True


def check_weight_types():
    """The bits that ggml gives for random blocks."""
    sys.path.insert(0, os.path.join(HERE, "../golden"))
    from make_weight_types import TYPES, Random, fnv, same_nans
    with open(os.path.join(HERE, "../golden/weight_types.jsonl")) as file:
        cases = [case for case in map(json.loads, file) if case["case"] == "dequantize"]
    wrong = []
    for case in cases:
        kind, _, size, _ = TYPES[case["type"]]
        random, n = Random(case["seed"]), case["blocks"] * size
        raw = b"".join(struct.pack("<Q", random.next()) for _ in range(-(-n // 8)))[:n]
        with np.errstate(all="ignore"):  # random scales may be infinite
            floats = dequantize(kind, np.frombuffer(raw, np.uint8)).astype("<f4").tobytes()
        if fnv(same_nans(floats)) != case["hash"]:
            wrong.append(case["type"])
    print("%-6s weight types       %d as ggml unpacks them%s" %
          ("MISSED" if wrong else "ok", len(cases) - len(wrong), "; not: " * bool(wrong) + ", ".join(wrong)))
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--engine", help="tests/text_runner of a build")
    options = parser.parse_args()
    wanted = options.models
    golden = golden_names()
    others = sorted(os.path.basename(path)[:-len(".logits")] for path in glob.glob(os.path.join(HERE, "*.logits")))
    results = [check_golden(name, options.engine) for name in wanted or golden if name in golden]
    results += [check_logits(name) for name in wanted or others if name in others]
    if not wanted:
        results.append(check_weight_types())
    if not results:
        sys.exit("error: no golden values of %s; there are: %s" % (", ".join(wanted), ", ".join(golden)))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
