#!/usr/bin/env python3
"""Writes invalid_bytes.jsonl: small vocabularies of every kind, and what llama.cpp makes of bytes that are no
UTF-8 with them.

    tests/golden/make_invalid_bytes.py FOLDER_OF_LIBLLAMA

The folder is that of the shared libraries in the npm package @node-llama-cpp/linux-x64. A line has the
metadata of a model file, its tokens, their types, scores or merges, and texts in hexadecimal digits with
their tokens, without BOS, as llama.cpp's own tokenizer cuts them.
"""
import json
import os
import random
import re
import sys
import tempfile
import unicodedata

from make_character_bpe import BYTE, CONTROL, HERE, NORMAL, TEXTS, UNKNOWN, gguf, load, tokenize, train

#: Without marks, Hangul and capitals past ASCII, where we follow a model and llama.cpp simplifies it, and
#: without markers, which plain text cannot write here.
WORDS = [word for text in TEXTS for word in text.split(" ")
         if not re.search("[<\u00c9\u0391-\u03a9\u0410-\u042f\u0300-\u036f\u0900-\u097f\uac00-\ud7a3]", word)]
WORDS += [" ", "  ", "\n", "\u2581", "\ufffd", "\t"]
#: A lone continuation, leads of each length alone, bytes that begin nothing; a space, a quote, NUL and U+2581
#: spelt too long; a surrogate, a pair of them; a character cut short.
BROKEN = [b"\x80", b"\xbf", b"\xc3", b"\xe2", b"\xe2\x96", b"\xf0", b"\xf0\x9f\x98", b"\xf8", b"\xfe", b"\xff",
          b"\xc0\xa0", b"\xe0\x80\xa7", b"\xc0\x80", b"\xf0\x82\x96\x81", b"\xed\xa0\x80",
          b"\xed\xa0\xbd\xed\xb8\x80", b"\xe4\xbd", b"\xc1\xbf", b"\xe0\x82\xa2"]
PRE_TOKENIZERS = ["default", "gpt-2", "llama-bpe", "qwen35", "deepseek-v3", "deepseek-llm", "deepseek-coder", "gpt-4o",
                  "tekken", "falcon", "starcoder", "bloom", "kimi-k2", "superbpe"]


#: A space or a line feed spelt too long, over which llama.cpp stops where merges are between characters.
LONG_SPACE = re.compile(rb"(\xc0|\xe0\x80|\xf0\x80\x80)[\x8a\xa0]")


def _past_unicode(data):
    """Whether llama.cpp finds a character past U+10FFFF there, over which it stops."""
    for i in range(len(data) - 3):
        lead, *rest = data[i:i + 4]
        if all(byte & 0xC0 == 0x80 for byte in rest) and (0xF5 <= lead < 0xF8 or (lead == 0xF4 and rest[0] >= 0x90)):
            return True
    return False


def random_bytes(rng):
    while True:
        parts = []
        for _ in range(rng.randint(1, 8)):
            word = rng.choice(WORDS).encode()
            kind = rng.random()
            if kind < 0.35:
                word = rng.choice(BROKEN)
            elif kind < 0.5 and word:
                at = rng.randrange(len(word))
                word = word[:at] + word[at + rng.randint(0, 1):][:rng.randint(0, 6)]
            elif kind < 0.55:
                word = rng.randbytes(rng.randint(1, 6))
            parts.append(word + rng.choice([b"", b" "]))
        data = b"".join(parts)
        readable = data.decode("utf-8", "ignore")
        is_composed = unicodedata.is_normalized("NFC", readable)  # which Qwen's texts become
        if readable.encode() != data and is_composed and not _past_unicode(data):
            return data


def _byte_alphabet():
    """GPT-2's letters for the 256 bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


def byte_level(pre):
    alphabet = _byte_alphabet()
    words = ["".join(alphabet[byte] for byte in word.encode()) for word in WORDS + [" " + w for w in WORDS] + ["\ufffd"] * 9]
    merges = train(words, 150)
    pieces = dict.fromkeys(alphabet + ["".join(pair) for pair in merges])
    tokens = ["<unk>", "</s>", "<s>", *pieces]
    return {"model": "gpt2", "pre": pre, "tokens": tokens, "types": [UNKNOWN, CONTROL, CONTROL] + [NORMAL] * len(pieces),
            "merges": [" ".join(pair) for pair in merges]}


def pieces_with_scores(model, with_bytes, rng):
    """SentencePiece's: characters, and pieces made of them."""
    words = ["\u2581" + word.replace(" ", "\u2581") for word in WORDS]
    characters = sorted({c for word in words for c in word})
    characters = [c for c in characters if c in "\u2581\ufffd" or rng.random() < 0.9]
    pieces = dict.fromkeys(characters + ["".join(pair) for pair in train(words, 150)])
    tokens, types = ["<unk>", "</s>", "<s>"], [UNKNOWN, CONTROL, CONTROL]
    if with_bytes:
        tokens += [f"<0x{byte:02X}>" for byte in range(256)]
        types += [BYTE] * 256
    scores = [0.0] * len(tokens)
    scores += [-1.0 - i / 8 - rng.random() / 64 for i in range(len(pieces))]
    tokens += pieces
    return {"model": model, "pre": "default", "add_space_prefix": True, "tokens": tokens,
            "types": types + [NORMAL] * len(pieces), "scores": scores}


def word_pieces():
    words = [word.lower() for word in WORDS if word.strip()]
    characters = sorted({c for word in words for c in word})
    pieces = dict.fromkeys([c for c in characters] + ["\u2581" + c for c in characters] +
                           ["\u2581" + word for word in words if len(word) > 1])
    tokens = ["[UNK]", "[SEP]", "[CLS]", *pieces]
    return {"model": "bert", "pre": "default", "tokens": tokens, "types": [UNKNOWN, CONTROL, CONTROL] + [NORMAL] * len(pieces)}


def character_bpe(model, pre):
    words = [line for text in TEXTS for line in text.replace(" ", "\u2581").split("\n") if line]
    merges = train(words, 80)
    pieces = dict.fromkeys(sorted({c for word in words for c in word}) + ["\ufffd"] + ["".join(pair) for pair in merges])
    tokens = ["<unk>", "</s>", "<s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + list(pieces)
    return {"model": model, "pre": pre, "tokens": tokens, "merges": [" ".join(pair) for pair in merges],
            "types": [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(pieces)}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    llama = load(sys.argv[1])
    rng = random.Random(7)
    texts = BROKEN + [b"a" + broken + b" b" for broken in BROKEN] + [random_bytes(rng) for _ in range(60)]
    vocabularies = [byte_level(pre) for pre in PRE_TOKENIZERS]
    vocabularies += [pieces_with_scores("llama", True, rng), pieces_with_scores("t5", False, rng), word_pieces()]
    vocabularies += [character_bpe("gemma4", "gemma4"), character_bpe("gpt2", "sarvam-moe"),
                     character_bpe("whitespace", "whitespace")]
    with tempfile.TemporaryDirectory() as folder, \
            open(os.path.join(HERE, "invalid_bytes.jsonl"), "w", encoding="utf-8") as out:
        for one in vocabularies:
            path = os.path.join(folder, "vocabulary.gguf")
            gguf(one, path)
            merges_characters = one in vocabularies[-3:]
            fit = [text for text in texts if not (merges_characters and LONG_SPACE.search(text))]
            one["texts"] = [[text.hex(), ids] for text, ids in tokenize(llama, path, fit, add_special=False)]
            out.write(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
