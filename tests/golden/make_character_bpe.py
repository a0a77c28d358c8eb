#!/usr/bin/env python3
"""Writes character_bpe.jsonl: small vocabularies of BPE over characters, and what llama.cpp makes of texts
with them.

    tests/golden/make_character_bpe.py FOLDER_OF_LIBLLAMA

The folder is that of the shared libraries in the npm package @node-llama-cpp/linux-x64. A line has the metadata of a model file, its tokens, their types, the merges, and
texts with their tokens, as llama.cpp's own tokenizer cuts them.
"""
import collections
import ctypes
import glob
import json
import os
import random
import struct
import sys
import tempfile

TEXTS = [
    "The ship sails to the harbour, and the captain tells them: it's 2024!  We'll see...",
    "  leading and   inner  spaces \n\n\n  new   lines\r\n\ttabs\t\tend  ",
    "int main(int argc, char** argv) {\n    return x+=1; // comment\n}\n",
    "naïve café Straße ÉCOLE camelCaseWord XMLHttpRequest iPhone15Pro",
    "你好,世界!2024年1月 こんにちは カタカナ 안녕하세요 123 你好 世界",
    "Привет, мир! Ελληνικά عربي ١٢٣ हिन्दी नमस्ते हिन्दी ไทย",
    "€100 + £20 = $120 ½ ² ™ 🙂👍🏽 → a_b__c `code` <|im_end|> </s> http://x.y/z?q=1",
]
ALPHABET = list("aBeéÉZ 1２\n\r\t '.,_/\u2581") + ["th", "he", "  ", "你", "の", "한", "\u0301", "🙂", "Ω", "ж", "\u3000"]

HERE = os.path.dirname(os.path.abspath(__file__))
NORMAL, CONTROL, BYTE, UNKNOWN = 1, 3, 6, 2
VOCAB_ONLY = 72  # where llama_model_params says that only the vocabulary is wanted


class Opaque(ctypes.Structure):
    """Stands for a parameter struct passed through; longer than the real one."""
    _fields_ = [("bytes", ctypes.c_char * 512)]


def text(value):
    written = value.encode()
    return struct.pack("<Q", len(written)) + written


def train(words, n_merges):
    """The usual training: again and again the most frequent pair of neighbours becomes one piece."""
    words = [list(word) for word in words]
    merges = []
    while len(merges) < n_merges:
        pairs = collections.Counter(pair for word in words for pair in zip(word, word[1:]))
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word in words:
            i = 0
            while i + 1 < len(word):
                if (word[i], word[i + 1]) == best:
                    word[i:i + 2] = ["".join(best)]
                i += 1
    return merges


def case(model, pre, metadata, has_bytes, rng):
    if model == "whitespace":
        words = [word.lower() for each in TEXTS for word in each.split()]
    else:
        words = [line for each in TEXTS for line in each.replace(" ", "\u2581").split("\n") if line]
    merges = train(words, 120)
    known = sorted({c for word in words for c in word})
    known = [c for c in known if rng.random() < 0.9] + (["\u2581"] if model != "whitespace" else [])
    tokens, types = ["<unk>", "</s>", "<s>"], [UNKNOWN, CONTROL, CONTROL]
    if has_bytes:
        tokens += [f"<0x{byte:02X}>" for byte in range(256)]
        types += [BYTE] * 256
    pieces = dict.fromkeys(known + ["".join(pair) for pair in merges])
    if model != "whitespace":
        pieces.update(dict.fromkeys(["\n", "\n\n", "\n\n\n\n"]))
    # A piece that holds a character the vocabulary lacks would never be made from tokens.
    pieces = [p for p in pieces if all(c in known or c == "\n" for c in p)]
    merges = [pair for pair in merges if "".join(pair) in pieces and all(part in pieces for part in pair)]
    tokens += pieces
    types += [NORMAL] * len(pieces)
    return {"model": model, "pre": pre, **metadata, "tokens": tokens, "types": types,
            "merges": [" ".join(pair) for pair in merges]}


def gguf(one, path):
    def strings(values):
        return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))

    entries = {"general.architecture": struct.pack("<I", 8) + text("llama"),
               "llama.block_count": struct.pack("<II", 4, 1),
               "llama.context_length": struct.pack("<II", 4, 64),
               "llama.embedding_length": struct.pack("<II", 4, 32),
               "llama.feed_forward_length": struct.pack("<II", 4, 32),
               "llama.attention.head_count": struct.pack("<II", 4, 1),
               "llama.attention.layer_norm_rms_epsilon": struct.pack("<If", 6, 1e-5),
               "tokenizer.ggml.model": struct.pack("<I", 8) + text(one["model"]),
               "tokenizer.ggml.pre": struct.pack("<I", 8) + text(one["pre"]),
               "tokenizer.ggml.tokens": strings(one["tokens"]),
               "tokenizer.ggml.token_type": struct.pack("<IIQ", 9, 5, len(one["types"])) +
               struct.pack(f"<{len(one['types'])}i", *one["types"]),
               "tokenizer.ggml.unknown_token_id": struct.pack("<II", 4, 0),
               "tokenizer.ggml.eos_token_id": struct.pack("<II", 4, 1),
               "tokenizer.ggml.bos_token_id": struct.pack("<II", 4, 2)}
    if "merges" in one:
        entries["tokenizer.ggml.merges"] = strings(one["merges"])
    if "scores" in one:
        entries["tokenizer.ggml.scores"] = (struct.pack("<IIQ", 9, 6, len(one["scores"])) +
                                            struct.pack(f"<{len(one['scores'])}f", *one["scores"]))
    for key in ("add_bos_token", "add_space_prefix", "normalizer.lowercase"):
        if key in one:
            entries["tokenizer.ggml." + key] = struct.pack("<I?", 7, one[key])
    with open(path, "wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)))
        out.write(b"".join(text(key) + value for key, value in entries.items()))


def load(folder):
    for name in ("libggml-base.so", "libggml.v*.so", "libllama.v*.so"):
        found = glob.glob(os.path.join(folder, name))
        if not found:
            sys.exit(f"error: there is no {name} in {folder}")
        llama = ctypes.CDLL(found[0], ctypes.RTLD_GLOBAL)
    load.silence = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    llama.llama_log_set(load.silence, None)
    llama.llama_model_default_params.restype = Opaque
    llama.llama_model_load_from_file.argtypes = [ctypes.c_char_p, Opaque]
    llama.llama_model_load_from_file.restype = ctypes.c_void_p
    llama.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
    llama.llama_model_get_vocab.restype = ctypes.c_void_p
    llama.llama_tokenize.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p,
                                     ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]
    return llama


def tokenize(llama, path, texts, add_special=True):
    """Each of the texts, which may be bytes, with llama.cpp's tokens. ValueError if it refuses the file."""
    params = llama.llama_model_default_params()
    ctypes.memset(ctypes.addressof(params) + VOCAB_ONLY, 1, 1)
    model = llama.llama_model_load_from_file(path.encode(), params)
    if not model:
        raise ValueError("llama.cpp does not load it")
    vocab = llama.llama_model_get_vocab(model)
    for each in texts:
        written = each if isinstance(each, bytes) else each.encode()
        ids = (ctypes.c_int32 * (4 * len(written) + 8))()
        n = llama.llama_tokenize(vocab, written, len(written), ids, len(ids), add_special, False)
        assert n >= 0, each
        yield each, list(ids[:n])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    llama = load(sys.argv[1])
    rng = random.Random(5)
    texts = TEXTS + ["".join(rng.choice(ALPHABET) for _ in range(rng.randint(1, 40))) for _ in range(60)]
    texts += ["\n", "\n\n\n", "\n\n\n\n", "a\n\n\n\nb", " ", "   ", "\u2581a b", "The same the same"]
    with tempfile.TemporaryDirectory() as folder, \
            open(os.path.join(HERE, "character_bpe.jsonl"), "w", encoding="utf-8") as out:
        for model, pre, metadata in (("gemma4", "gemma4", {"add_bos_token": False}),
                                     ("gpt2", "granite-embed-multi-311m", {}), ("gpt2", "sarvam-moe", {}),
                                     ("gpt2", "sarvam-moe", {"add_bos_token": True}),
                                     ("whitespace", "whitespace", {"normalizer.lowercase": True}),
                                     ("whitespace", "whitespace", {})):
            one = case(model, pre, metadata, model != "whitespace", rng)
            path = os.path.join(folder, "vocabulary.gguf")
            gguf(one, path)
            one["texts"] = [list(pair) for pair in tokenize(llama, path, texts)]
            out.write(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
