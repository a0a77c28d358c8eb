#!/usr/bin/python3
"""Compare Conclave with llama.cpp, live, over the whole vocabulary and over several texts.

    PEER_DIR=~/peer tests/parity/compare.py build/release/bin/conclave [--texts N] [--write] [MODEL.gguf ...]

PEER_DIR holds the node_modules with llama.cpp's npm package, node-llama-cpp. Without models: those of every
architecture, in F16, whose bars are a mean Kullback-Leibler divergence of 1e-5 and 0.01 in any log-probability of
llama.cpp's 20 best. Text 1 is that of the golden files. From the same weights unpacked to F32, without flash attention and with
keys and values in F32, too, llama.cpp rounds nothing. Its distance from us is held to a tenth of that divergence
and to the same difference.

A position that misses the bar is excused only if llama.cpp misses it against itself: computed without
flash attention, in batches of 1 or of 16 tokens, or from the same weights unpacked to F32 (from which it does not
round activations to F16), it must give other values there, by 0.01 at least, and ours must be within 0.01 of
those. Such a position is one where rounding decides, most often between two nearly equal experts. That proof is made
anew at each run, so that any model can be judged; the tests, which have no llama.cpp, know the committed models' near
ties from near_ties.txt, and one that is not there yet is told. --write puts them there, with the proof, and the figures
to texts.json, from which make_models_page.py takes them. Or ours must be within 0.01 of exact arithmetic (tests/parity/reference) and nearer
to it than llama.cpp: how that rounds depends on the processor, and on one with AVX-512 its flash attention was
ten times as far from exact with heads of 8 values as without. Where llama.cpp
rounds nothing, it must with keys and values in F16, as ours are, miss the bar against itself and be within it of
ours. Ends with 1 if any other position misses, or a mean.
Takes some seven seconds of processor time a tiny model (--texts makes it more). Needs python3-numpy.

--golden: how far we and llama.cpp, in these settings, are from values that llama.cpp gave for the one model
named at another time: the golden files of the bundled model.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import NamedTuple, Optional

import numpy as np

sys.dont_write_bytecode = True
import architectures
import engines
import reference
from make_golden import HERE, OTHERS, POSITIONS, TOP, log_probabilities, tokens_of

LARGEST, MEAN, F32_MEAN = 0.01, 1e-5, 1e-6
SETTINGS = {"flash attention off": {"flash": False}, "batches of 1": {"ubatch": 1},
            "batches of 16": {"ubatch": 16}}
UNPACKED = "weights as F32"
UNPACKED_SETTINGS = ({"flash": False, "cache": "F32"}, {"flash": False}, {})  # first that which rounds nothing
TIE = (0, 549)  # sequence and position of the trained model's tie in tests/golden/engine/near_ties.json
TIES, FIGURES = (os.path.join(HERE, name) for name in ("near_ties.txt", "texts.json"))


def peer_logs(model, texts, **settings):
    """[text][position][token] of log-probabilities"""
    return [log_probabilities(rows) for rows in engines.llama_cpp(model, texts, **settings)]


def unpacked_peer_logs(options, model, texts, *settings):
    """For each of the settings as peer_logs."""
    with tempfile.TemporaryDirectory() as folder:
        unpacked = os.path.join(folder, "f32.gguf")
        subprocess.run([options.program, "quantize", model, unpacked, "F32", "--allow-requantize"],
                       check=True, stdout=subprocess.DEVNULL)
        return [peer_logs(unpacked, texts, **each) for each in settings]


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


def divergences(theirs, ours):
    return (np.exp(theirs) * (theirs - ours)).sum(1)


def largest(theirs, ours):
    """Of each position, over the best of the first."""
    best = np.argsort(-theirs, axis=1)[:, :TOP]
    return np.abs(np.take_along_axis(ours - theirs, best, 1)).max(1)


class Miss(NamedTuple):
    """A position of a text where we are beyond the bar from llama.cpp."""
    text: int
    position: int
    far: float
    proof: Optional[tuple]
    we_are_right: bool  # exact arithmetic says so
    weights: str = "F16"


def nearer_to_exact(position, ours, theirs, exact):
    far, their_far = (largest(exact, each)[position] for each in (ours, theirs))
    return far < LARGEST and far < their_far


def proof(position, ours, theirs, others):
    """How far llama.cpp is from itself there, and we from that: of the setting nearest to us, or None."""
    proofs = [(largest(logs, ours)[position], setting, largest(theirs, logs)[position])
              for setting, logs in others.items()]
    proofs = [each for each in proofs if each[0] < LARGEST <= each[2]]
    return min(proofs) if proofs else None


def compare(options, model):
    """Figures of all texts, and the positions that miss the bar."""
    vocabulary = len(own_logs(options.program, model, [0])[0])
    texts = [tokens_of(vocabulary, POSITIONS, 1 + text) for text in range(options.texts)]
    theirs = [rows for setting in ({}, *SETTINGS.values()) for rows in peer_logs(model, texts, **setting)]
    unpacked = unpacked_peer_logs(options, model, texts, *UNPACKED_SETTINGS)
    exact = [log_probabilities(rows) for rows in reference.logits(model, texts, POSITIONS + 8)]
    kl, all_kl, own, misses, itself_kl, itself = ([] for _ in range(6))
    f32_kl, f32, f32_misses = [], [], []
    for i, tokens in enumerate(texts):
        ours = own_logs(options.program, model, tokens)
        first, *rest = theirs[i::len(texts)]
        unrounded, without_flash, as_it_is = (logs[i] for logs in unpacked)
        others = dict(zip(SETTINGS, rest), **{UNPACKED: as_it_is})
        for setting in SETTINGS:
            itself.append(largest(first, others[setting]).max())
            itself_kl.append(divergences(first, others[setting]).mean())
        far, counts = largest(unrounded, ours), np.full(POSITIONS, True)
        for position in np.flatnonzero(far >= LARGEST):
            half = {"cache as F16": without_flash, "cache as F16, with flash attention": as_it_is}
            f32_misses.append(Miss(1 + i, int(position), far[position], proof(position, ours, unrounded, half),
                                   nearer_to_exact(position, ours, unrounded, exact[i]), "F32"))
            counts[position] = not (f32_misses[-1].proof or f32_misses[-1].we_are_right)
        f32.append(far[counts].max())
        f32_kl.append(divergences(unrounded, ours)[counts])
        far, counts = largest(first, ours), np.full(POSITIONS, True)
        for position in np.flatnonzero(far >= LARGEST):
            misses.append(Miss(1 + i, int(position), far[position], proof(position, ours, first, others),
                               nearer_to_exact(position, ours, first, exact[i])))
            counts[position] = not (misses[-1].proof or misses[-1].we_are_right)
        all_kl.append(divergences(first, ours))
        kl.append(all_kl[-1][counts])
        own.append(far[counts].max())
    excused = sum(bool(miss.proof) for miss in misses)
    return {"kl": np.concatenate(kl).mean(), "kl_with_ties": np.mean(all_kl), "largest": max(own),
            "itself_kl": max(itself_kl), "itself": max(itself),
            "f32_kl": np.concatenate(f32_kl).mean(), "f32": max(f32),
            "f32_excused": sum(bool(miss.proof) or miss.we_are_right for miss in f32_misses),
            "excused": excused, "nearer": sum(miss.we_are_right and not miss.proof for miss in misses),
            "positions": len(texts) * POSITIONS}, misses + f32_misses


def golden_figures(options, model):
    """{setting or "ours": distance from the values in the file, over all sequences}"""
    with open(options.golden) as file:
        sequences = [json.loads(line) for line in file]
    vocabulary = len(own_logs(options.program, model, [0])[0])
    settings = {"as it is": {}, **SETTINGS, "batches of 64": {"ubatch": 64},
                "flash attention off, batches of 16": {"flash": False, "ubatch": 16}}
    logs = {"ours": [own_logs(options.program, model, each["tokens"]) for each in sequences]}
    for each in sequences:
        answers = [peer_logs(model, [each["tokens"]], **how)[0] for how in settings.values()]
        for setting, rows in zip(settings, answers):
            logs.setdefault(setting, []).append(rows)
    texts = [each["tokens"] for each in sequences]
    logs[UNPACKED] = [unpacked_peer_logs(options, model, [text], {})[0][0] for text in texts]
    far = np.concatenate([largest(p, q) for p, q in zip(logs[UNPACKED], logs["ours"])])
    kl = np.concatenate([divergences(p, q) for p, q in zip(logs[UNPACKED], logs["ours"])])
    print("ours from llama.cpp with weights as F32: largest %.5f, mean KL %.1e" % (far.max(), kl.mean()))
    found = {"from_f32": {"largest": far.max(), "kl": kl.mean()}}
    for setting, rows in logs.items():
        far, divergence = [], []
        for sequence, each in zip(rows, sequences):
            tops = np.array(each["top"])
            golden = tops[:, :, 1]
            here = np.take_along_axis(sequence, tops[:, :, 0].astype(int), 1)
            far.append(np.abs(here - golden).max(1))
            divergence.append((np.exp(golden) * (golden - here)).sum(1))
        places = [(i, j) for i, each in enumerate(far) for j in range(len(each))]
        far, divergence = np.concatenate(far), np.concatenate(divergence)
        order = np.argsort(-far)
        found[setting] = {"largest": far[order[0]], "place": places[order[0]], "second": far[order[1]],
                          "kl": divergence.mean(), "beyond_0.01": int((far >= 0.01).sum()),
                          "beyond_0.02": int((far >= 0.02).sum()), "positions": len(far),
                          "at_tie": far[places.index(TIE)], "kl_without_tie": np.delete(divergence, places.index(TIE)).mean()}
        print("%-36s largest %.4f at %s, then %.4f; mean KL %.1e, without the listed tie %.1e; %d positions beyond 0.01, %d beyond 0.02; "
              "at the listed tie %.4f" % (setting, *(found[setting][key] for key in (
                  "largest", "place", "second", "kl", "kl_without_tie", "beyond_0.01", "beyond_0.02", "at_tie"))), flush=True)
    return found


def read_ties():
    """{model: the lines below its name}"""
    ties = {}
    if os.path.exists(TIES):
        with open(TIES) as file:
            for line in file:
                if not line.startswith("#"):
                    ties.setdefault(line.split()[0], []).append(line)
    return ties


def line_of(name, miss):
    from_that, setting, itself = miss.proof
    return "%s %d %d %.4f %.4f %.4f %s\n" % (name, miss.text, miss.position, miss.far, itself, from_that, setting)


def short(value):
    """With few digits: more would change from one machine to the next."""
    if isinstance(value, dict):
        return {key: short(each) for key, each in value.items()}
    return value if isinstance(value, (int, list, tuple)) else float("%.1e" % value) if value < 0.01 else \
        round(float(value), 4)


def write(ties, figures):
    with open(TIES, "w") as file:
        file.write("""# Where rounding decides: written and proven by compare.py, read by it and by architecture_test.cpp.
# model, text (1: that of the golden files), position, our largest difference from llama.cpp's 20 best; that of
# llama.cpp from itself in the setting named; ours from llama.cpp in that setting
""" + "".join("".join(ties[name]) for name in sorted(ties)))
    with open(FIGURES, "w") as file:
        file.write("{\n%s\n}\n" % ",\n".join(
            " %s: %s" % (json.dumps(name), json.dumps(short(figures[name]))) for name in sorted(figures)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--texts", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--golden")
    options = parser.parse_intermixed_args()
    known = [name for name in (*architectures.MODELS, *architectures.VARIANTS, *OTHERS) if name != "gpt-oss-q8"]
    models = options.models or [os.path.join(HERE, name + ".gguf") for name in known]
    ties, figures, good = read_ties(), {}, True
    if os.path.exists(FIGURES):
        with open(FIGURES) as file:
            figures = json.load(file)
    if options.golden:
        figures["trained"] = golden_figures(options, models[0])
        if options.write:
            write(ties, figures)
        return
    for model in models:
        name = os.path.basename(model)[:-len(".gguf")]
        figures[name], misses = compare(options, model)
        listed = {tuple(map(int, line.split()[1:3])) for line in ties.pop(name, [])}
        proven = [miss for miss in misses if miss.proof and miss.weights == "F16"]
        if proven:
            ties[name] = [line_of(name, miss) for miss in proven]
        bad = [miss for miss in misses if not miss.we_are_right and not miss.proof]
        fine = not bad and figures[name]["kl"] <= MEAN and figures[name]["f32_kl"] <= F32_MEAN
        good &= fine
        print("%-6s %-14s" % ("ok" if fine else "MISSED", name),
              "KL %(kl).1e, largest %(largest).4f but for %(excused)d near ties and %(nearer)d nearer to exact "
              "(KL with them %(kl_with_ties).1e); F32 weights: KL %(f32_kl).1e, largest %(f32).4f but for "
              "%(f32_excused)d; llama.cpp from itself %(itself_kl).1e, %(itself).4f" % figures[name], flush=True)
        for miss in bad:
            print("       ", *miss, flush=True)
        for miss in proven if name in known and not options.write else ():
            if miss[:2] not in listed:
                print("        a near tie that is not in near_ties.txt; --write adds it:", line_of(name, miss),
                      end="", flush=True)
        if options.write:
            write(ties, figures)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
