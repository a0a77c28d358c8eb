#!/usr/bin/env python3
"""Makes tests/golden/engine/samplers.jsonl, what llama.cpp's sampler chain leaves of given logits,
sampler_draws.jsonl, what it draws from them, and sampler_orders.jsonl, both with the chain's steps in
other orders.

    PEER_DIR=DIR tests/parity/make_sampler_golden.py

DIR holds node_modules with the public npm package node-llama-cpp, whose shared library is called
directly. A line has the settings (named as in stored chats), the tokens before, the logits, and the
tokens that are left with their probabilities; or, for DRY, what tokens lose. A line of the second file
has the settings, the seed, the number of tokens, and the tokens drawn one after the other from logits
that `hashed_logits` makes, here as in the test, with some of them raised.
"""
import ctypes as c
import glob
import json
import math
import os
import random
import sys

USUAL_ORDER = ["penalties", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"]

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")


class TokenData(c.Structure):
    _fields_ = [("id", c.c_int32), ("logit", c.c_float), ("p", c.c_float)]


class TokenArray(c.Structure):
    _fields_ = [("data", c.POINTER(TokenData)), ("size", c.c_size_t),
                ("selected", c.c_int64), ("sorted", c.c_bool)]


class Opaque(c.Structure):
    """Stands for a parameter struct passed through unread; longer than the real one."""
    _fields_ = [("bytes", c.c_char * 512)]


def load_library():
    folder = os.path.join(os.environ["PEER_DIR"], "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
    for name in ("libggml-base.so", "libggml.v*.so", "libllama.v*.so"):
        path = glob.glob(os.path.join(folder, name))
        if not path:
            sys.exit(f"there is no {name} in {folder}")
        library = c.CDLL(path[0], mode=c.RTLD_GLOBAL)
        if name.startswith("libggml.v"):
            library.ggml_backend_load_all_from_path(folder.encode())
    f, i, u, z = c.c_float, c.c_int32, c.c_uint32, c.c_size_t
    signatures = {
        "top_k": [i], "top_p": [f, z], "min_p": [f, z], "typical": [f, z], "top_n_sigma": [f],
        "xtc": [f, f, z, u], "temp": [f], "temp_ext": [f, f, f], "mirostat": [i, u, f, f, i],
        "mirostat_v2": [u, f, f], "penalties": [i, i, f, f, f],
        "adaptive_p": [f, f, u], "infill": [c.c_void_p], "dist": [u], "dry": [c.c_void_p, f, f, i, i, c.POINTER(c.c_char_p), z],
    }
    for name, arguments in signatures.items():
        function = getattr(library, "llama_sampler_init_" + name)
        function.argtypes, function.restype = arguments, c.c_void_p
    library.llama_sampler_apply.argtypes = [c.c_void_p, c.POINTER(TokenArray)]
    library.llama_sampler_accept.argtypes = [c.c_void_p, i]
    library.llama_model_default_params.restype = Opaque
    library.llama_model_load_from_file.argtypes = [c.c_char_p, Opaque]
    library.llama_model_load_from_file.restype = c.c_void_p
    library.llama_model_get_vocab.argtypes = [c.c_void_p]
    library.llama_model_get_vocab.restype = c.c_void_p
    library.llama_vocab_n_tokens.argtypes = [c.c_void_p]
    for name, result in (("get_text", c.c_char_p), ("is_eog", c.c_bool)):
        function = getattr(library, "llama_vocab_" + name)
        function.argtypes, function.restype = [c.c_void_p, i], result
    return library


def apply(library, sampler, logits):
    data = (TokenData * len(logits))(*[TokenData(t, x, 0.0) for t, x in logits])
    array = TokenArray(data, len(logits), -1, False)
    library.llama_sampler_apply(sampler, c.byref(array))
    return [(array.data[k].id, array.data[k].logit) for k in range(array.size)]


def draw(library, samplers, logits):
    """The last of the samplers chooses."""
    data = (TokenData * len(logits))(*[TokenData(t, x, 0.0) for t, x in enumerate(logits)])
    array = TokenArray(data, len(logits), -1, False)
    for sampler in samplers:
        library.llama_sampler_apply(sampler, c.byref(array))
    return array.data[array.selected].id


def softmax(left):
    best = max(x for _, x in left)
    weights = [(t, math.exp(x - best)) for t, x in left]
    total = sum(w for _, w in weights)
    return sorted([t, round(w / total, 7)] for t, w in weights if w / total > 1e-7)


def chain(library, s, seed=1, vocab=None):
    """llama.cpp's own order (common/sampling.cpp); infill where llama.h wants it, after top-p."""
    init = lambda name, *arguments: getattr(library, "llama_sampler_init_" + name)(*arguments)
    if s.get("mirostat"):
        yield init("temp", s["temperature"])
        if s["mirostat"] == 1:
            yield init("mirostat", s["n_vocab"], seed, s["mirostat_tau"], s["mirostat_eta"], 100)
        else:
            yield init("mirostat_v2", seed, s["mirostat_tau"], s["mirostat_eta"])
        return
    usual = USUAL_ORDER[:-1] + (["infill"] if s.get("infill") else []) + USUAL_ORDER[-1:]
    arguments = {
        "penalties": lambda: (64, s["penalty_window"], s["repeat_penalty"], s["frequency_penalty"],
                              s["presence_penalty"]),
        "top_n_sigma": lambda: (s["top_n_sigma"],),
        "top_k": lambda: (s["top_k"],),
        "typ_p": lambda: (s["typical_p"], 0),
        "top_p": lambda: (s["top_p"], 0),
        "min_p": lambda: (s["min_p"], 0),
        "xtc": lambda: (s["xtc_probability"], s["xtc_threshold"], 0, seed),
        "infill": lambda: (vocab,),
        "temperature": lambda: (s["temperature"], s["dynatemp_range"], s["dynatemp_exponent"]),
    }
    functions = {"typ_p": "typical", "temperature": "temp_ext"}
    for name in s.get("samplers", usual):
        yield init(functions.get(name, name), *arguments[name]())


def random_logits(rng, n):
    spread = rng.choice([0.5, 2.0, 4.0])
    return [round(rng.gauss(0.0, spread), 3) for _ in range(n)]


def plain_case(library, rng, number, order=None):
    maybe = lambda value, off, often=0.4: value if rng.random() < often else off
    n = rng.choice([3, 12, 40])
    s = {
        "penalty_window": maybe(rng.choice([4, 64]), 0), "repeat_penalty": maybe(1.3, 1.0),
        "frequency_penalty": maybe(0.4, 0.0), "presence_penalty": maybe(0.6, 0.0),
        "top_n_sigma": maybe(round(rng.uniform(0.3, 2.5), 3), -1.0),
        "top_k": maybe(rng.randint(1, n), 0), "typical_p": maybe(round(rng.uniform(0.2, 0.95), 3), 1.0),
        "top_p": maybe(round(rng.uniform(0.3, 0.98), 3), 1.0),
        "min_p": maybe(round(rng.uniform(0.02, 0.4), 3), 0.0),
        "xtc_probability": maybe(1.0, 0.0), "xtc_threshold": round(rng.uniform(0.05, 0.6), 3),
        "temperature": rng.choice([0.0, 0.6, 1.0, 1.7]) if number % 4 else 0.9,
        "dynatemp_range": maybe(round(rng.uniform(0.1, 1.2), 3), 0.0),
        "dynatemp_exponent": rng.choice([0.5, 1.0, 2.0]),
    }
    if s["typical_p"] < 1.0:
        s["top_n_sigma"] = -1.0  # after it llama.cpp's entropy is 0 * log 0: not a number
    if order:
        s["samplers"] = order
        if s["typical_p"] < 1.0 and s["temperature"] == 0.0:
            s["temperature"] = 0.6  # likewise
    history = [rng.randrange(n) for _ in range(rng.randint(0, 10))]
    logits = random_logits(rng, n)
    left = list(enumerate(logits))
    for sampler in chain(library, s):
        for token in history:
            library.llama_sampler_accept(sampler, token)
        left = apply(library, sampler, left)
    return {"settings": s, "history": history, "steps": [{"logits": logits, "left": softmax(left)}]}


def mirostat_case(library, rng, version):
    """Steps whose draw is certain move mu alike in both; what is left then shows mu."""
    n = 40
    s = {"mirostat": version, "mirostat_tau": round(rng.uniform(0.5, 4.0), 3),
         "mirostat_eta": round(rng.uniform(0.05, 0.5), 3), "temperature": rng.choice([0.7, 1.0, 1.5]),
         "n_vocab": n}
    samplers = list(chain(library, s))
    steps = []
    for number in range(6):
        certain = number % 2 == 1
        logits = [200.0 if certain and t == 7 else x for t, x in enumerate(random_logits(rng, n))]
        left = list(enumerate(logits))
        if not certain:
            # A draw that is not certain would move mu by chance: look with a copy.
            copies = [library.llama_sampler_clone(sampler) for sampler in samplers]
            for sampler in copies:
                left = apply(library, sampler, left)
        else:
            for sampler in samplers:
                left = apply(library, sampler, left)
        steps.append({"logits": logits, "left": softmax(left), "drawn": certain})
    return {"settings": s, "history": [], "steps": steps}


def dry_case(library, vocab, rng):
    s = {"dry_multiplier": rng.choice([0.8, 2.0]), "dry_base": rng.choice([1.0, 1.75, 3.0]),
         "dry_allowed_length": rng.choice([1, 2, 4]), "dry_window": rng.choice([-1, 12, 200]),
         "dry_breakers": rng.choice([["\n", ":", "\"", "*"], [], ["the", " of a"], [". "]])}
    phrase = [rng.randrange(300, 6000) for _ in range(rng.randint(3, 9))]
    history = []
    while len(history) < rng.randint(10, 90):
        history += phrase[rng.randrange(len(phrase) - 1):]
        if rng.random() < 0.5:
            history.append(rng.randrange(6144))
        if rng.random() < 0.1:
            history += [rng.randrange(256, 600)] * 3
    history += phrase[:rng.randint(2, len(phrase) - 1)]
    breakers = [text.encode() for text in s["dry_breakers"]]
    array = (c.c_char_p * len(breakers))(*breakers)
    window = s["dry_window"] if s["dry_window"] >= 0 else 4096  # it does not know -1 any more
    sampler = library.llama_sampler_init_dry(
        vocab, s["dry_multiplier"], s["dry_base"], s["dry_allowed_length"], window, array,
        len(breakers))
    for token in history:
        library.llama_sampler_accept(sampler, token)
    left = apply(library, sampler, [(t, 0.0) for t in range(6144)])
    lost = sorted([t, float(f"{-x:.6g}")] for t, x in left if x != 0.0)
    return {"settings": s, "history": history, "lost": lost}


def hashed_logits(case, step, n, spread):
    """Floats that are exact in binary, with few ties: the hash's upper 24 bits, in -8..8, times spread."""
    logits = []
    for token in range(n):
        h = (token * 2654435761 + case * 2246822519 + step * 3266489917 + 374761393) & 0xFFFFFFFF
        for shift in (16, 13, 16):
            h = ((h ^ (h >> shift)) * 2246822507) & 0xFFFFFFFF
        logits.append(((h >> 8) / (1 << 20) - 8.0) * spread)
    return logits


def other_order(rng):
    order = rng.sample(USUAL_ORDER, len(USUAL_ORDER))
    return order[:rng.choice([3, 5, 8, 8, 8])]


def draw_case(library, rng, number, order=None):
    """Most draws come from a few steps together, and from whole vocabularies."""
    n = rng.choice([5, 60, 300, 2000])
    maybe = lambda value, off, often=0.3: value if rng.random() < often else off
    s = {"temperature": rng.choice([0.4, 0.8, 1.0, 1.5])}
    if number % 5 == 4 and not order:
        s.update({"mirostat": rng.choice([1, 2]), "mirostat_tau": rng.choice([1.0, 3.0, 5.0]),
                  "mirostat_eta": rng.choice([0.1, 0.3]), "n_vocab": n})
    else:
        defaults = number % 5 == 0
        s.update({
            "penalty_window": 64, "repeat_penalty": maybe(1.2, 1.0), "frequency_penalty": maybe(0.3, 0.0),
            "presence_penalty": maybe(0.5, 0.0), "top_n_sigma": maybe(1.5, -1.0, 0.15),
            "top_k": 40 if defaults else maybe(rng.choice([1, 8, 100]), 0),
            "typical_p": maybe(rng.choice([0.6, 0.9]), 1.0, 0.2),
            "top_p": 0.95 if defaults else maybe(rng.choice([0.5, 0.9]), 1.0),
            "min_p": 0.05 if defaults else maybe(0.02, 0.0),
            "xtc_probability": maybe(0.5, 0.0), "xtc_threshold": rng.choice([0.05, 0.1]),
            "dynatemp_range": maybe(0.3, 0.0), "dynatemp_exponent": 1.0})
        if s["typical_p"] < 1.0:
            s["top_n_sigma"] = -1.0
    if order:
        s["samplers"] = order
    seed = rng.choice([0, 1, 42, 4294967294]) if number < 40 else rng.getrandbits(32)
    spread = rng.choice([0.125, 0.5, 1.0])
    return drawn_case(library, s, seed, number, n, spread)


def is_drawn_from_equals(case):
    """Which of equal logits comes first is the sorting algorithm's business there, and the lower id's here."""
    for step, token in enumerate(case["drawn"]):
        logits = hashed_logits(case["number"], step, case["n"], case["spread"])
        if logits.count(logits[token]) > 1:
            return True
    return False


def drawn_case(library, s, seed, number, n, spread, vocab=None, raised=()):
    samplers = list(chain(library, s, seed, vocab))
    if s.get("adaptive_target", -1.0) >= 0.0:
        samplers.append(library.llama_sampler_init_adaptive_p(s["adaptive_target"], s["adaptive_decay"], seed))
    elif not s.get("mirostat"):
        samplers.append(library.llama_sampler_init_dist(seed))
    drawn = []
    for step in range(20):
        logits = hashed_logits(number, step, n, spread)
        for t, amount in raised:
            logits[t] += amount
        token = draw(library, samplers, logits)
        for sampler in samplers:
            library.llama_sampler_accept(sampler, token)
        drawn.append(token)
    case = {"settings": s, "seed": seed, "n": n, "spread": spread, "drawn": drawn}
    return {**case, "raised": raised} if raised else case


def plain_settings(**changed):
    s = {"temperature": 1.0, "penalty_window": 0, "repeat_penalty": 1.0, "frequency_penalty": 0.0,
         "presence_penalty": 0.0, "top_n_sigma": -1.0, "top_k": 0, "typical_p": 1.0, "top_p": 1.0,
         "min_p": 0.0, "xtc_probability": 0.0, "xtc_threshold": 0.1, "dynatemp_range": 0.0,
         "dynatemp_exponent": 1.0}
    return {**s, **changed}


def adaptive_case(library, rng, number):
    s = plain_settings(
        temperature=rng.choice([0.6, 1.0, 1.3]), min_p=rng.choice([0.0, 0.02, 0.1]),
        top_k=rng.choice([0, 0, 5, 40]), top_n_sigma=rng.choice([-1.0, -1.0, 1.0]),
        xtc_probability=rng.choice([0.0, 0.0, 0.5]),
        adaptive_target=rng.choice([0.0, 0.05, 0.3, 0.55, 0.9, 1.0]),
        adaptive_decay=rng.choice([0.0, 0.5, 0.9, 0.99]))
    return drawn_case(library, s, rng.getrandbits(32), number, rng.choice([5, 60, 300, 2000]),
                      rng.choice([0.125, 0.5, 1.0]))


def infill_case(library, vocab, rng, number):
    """A few words are likely, some of which begin alike, and in every other case ends of the text."""
    s = plain_settings(
        temperature=rng.choice([0.0, 0.6, 1.0, 1.0]), top_k=rng.choice([0, 5, 40, 40]),
        top_p=rng.choice([1.0, 0.9, 0.99]), min_p=rng.choice([0.0, 0.02]), infill=True)
    n = library.llama_vocab_n_tokens(vocab)
    texts = [library.llama_vocab_get_text(vocab, t) for t in range(n)]
    words = rng.sample(range(1000, n), rng.randint(1, 3))
    family = [t for t in range(1000, n) if texts[t].startswith(texts[words[0]][:3])]
    likely = sorted(set(words + rng.sample(family, min(len(family), 3))))
    raised = [[t, 6.0 + rng.randrange(16) / 8] for t in likely]
    if number % 2:
        ends = [t for t in range(n) if library.llama_vocab_is_eog(vocab, t)]
        raised += [[t, rng.randrange(40) / 8] for t in ends]
    return drawn_case(library, s, rng.getrandbits(32), number, n, 0.125, vocab, raised)


def write(name, cases):
    with open(os.path.join(ROOT, "tests/golden/engine", name), "w", encoding="utf-8") as out:
        for case in cases:
            out.write(json.dumps(case, separators=(",", ":")) + "\n")


def main():
    library = load_library()
    library.llama_sampler_clone.argtypes, library.llama_sampler_clone.restype = [c.c_void_p], c.c_void_p
    model = os.path.join(ROOT, "resources/models/conclave-tiny-20M-Q8_0.gguf")
    loaded = library.llama_model_load_from_file(model.encode(), library.llama_model_default_params())
    if not loaded:
        sys.exit("llama.cpp cannot load " + model)
    vocab = library.llama_model_get_vocab(loaded)
    rng = random.Random(11)
    cases = [plain_case(library, rng, number) for number in range(120)]
    cases += [mirostat_case(library, rng, 1 + number % 2) for number in range(12)]
    dry = [dry_case(library, vocab, rng) for _ in range(60)]
    write("samplers.jsonl", cases + dry)
    draws = [draw_case(library, random.Random(number), number) for number in range(200)]
    draws += [adaptive_case(library, random.Random(number), number) for number in range(200, 280)]
    draws += [infill_case(library, vocab, random.Random(number), number) for number in range(280, 320)]
    write("sampler_draws.jsonl", draws)
    rng = random.Random(12)
    orders = [plain_case(library, rng, number, other_order(rng)) for number in range(120)]
    drawn = [{"number": number, **draw_case(library, random.Random(number), number,
                                            other_order(random.Random(number)))}
             for number in range(130)]
    orders += [case for case in drawn if not is_drawn_from_equals(case)][:120]
    write("sampler_orders.jsonl", orders)
    print(f"{len(cases)} chains, {len(dry)} of DRY ({sum(bool(d['lost']) for d in dry)} with a loss), "
          f"{len(draws)} chains that draw")


if __name__ == "__main__":
    main()
