#!/usr/bin/env python3
"""Makes pre_tokenizers.jsonl: how the published patterns of byte-level BPE models cut text, by the
`regex` module. Run it in this folder when a pattern or a text is added."""
import json
import random

import regex

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
GPT4 = (CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+")
QWEN2 = GPT4.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
LEAD = r"[^\r\n\p{L}\p{N}]?"


def o200k(number, end=""):
    return (f"{LEAD}{UPPER}*{LOWER}+{end}|{LEAD}{UPPER}+{LOWER}*{end}|{number}"
            r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


SCHEMES = {
    "gpt-2": [GPT2],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, r"[0-9][0-9][0-9]"],
    "llama-bpe": [GPT4],
    "qwen2": [QWEN2],
    "starcoder": [r"\p{N}", GPT2],
    "deepseek-llm": [
        r"[\r\n]", r"\s?[\p{Lu}\p{Ll}\p{Lt}--\u10d0-\u10ff]+",
        r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", r"[一-龥ࠀ-一가-퟿]+", r"\p{N}+"],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"[一-龥ࠀ-一가-퟿]+", r"\p{N}"],
    "deepseek-v3": [
        r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
        r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
        r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "tekken": [o200k(r"\p{N}")],
    "gpt-4o": [o200k(r"\p{N}{1,3}", CONTRACTION + "?")],
}

TEXTS = [
    "Hello world, it's 2024! We'LL see: they've 1234567 things...",
    "  leading and   inner  spaces \n\n\n  new   lines\r\n\ttabs\t\tend  ",
    "int main(int argc, char** argv) {\n    return x+=1; // comment\n}\n",
    "naïve café Straße ÉCOLE camelCaseWord HTTPServer XMLHttpRequest iPhone15Pro",
    "你好,世界!2024年1月 こんにちは カタカナ 안녕하세요 123",
    "Привет, мир! Ελληνικά ქართული عربي ١٢٣ हिन्दी ०१२ ไทย",
    "€100 + £20 = $120 ½ ² Ⅷ ™ © 🙂👍🏽 → ≤ a_b__c `code` <|im_end|> [INST]",
    "'s 'S 't 'RE can't DON'T o'clock ''ll I'm'd",
    "a\u0301e\u0300 \u0301x Ǆungla ǅ ʰaspirated \u200bzero \ufeffbom",
    "e-mail: a.b@c.de http://x.y/z?q=1&r=2 C++/C# 50% #tag",
]

ALPHABET = list("aB\u00e9Z 1２\n\r\t '.,!$+_/") + ["'s", "  ", "你", "の", "한", "\u0301", "€", "🙂",
                                                  "Ω", "ж", "ǅ", "ʰ", "９９９", "'LL", "\u3000", "。"]


def cut(text, patterns):
    words = [text]
    for pattern in patterns:
        compiled = regex.compile(pattern, regex.V1)
        finer = []
        for word in words:
            end = 0
            for match in compiled.finditer(word):
                if match.start() > end:
                    finer.append(word[end:match.start()])
                if match.group():
                    finer.append(match.group())
                end = match.end()
            if end < len(word):
                finer.append(word[end:])
        words = finer
    return words


def main():
    source = random.Random(1)
    texts = TEXTS + ["".join(source.choice(ALPHABET) for _ in range(60)) for _ in range(25)]
    with open("pre_tokenizers.jsonl", "w", encoding="utf-8") as out:
        for name, patterns in SCHEMES.items():
            for text in texts:
                words = cut(text, patterns)
                assert "".join(words) == text
                json.dump({"pre": name, "words": words}, out, ensure_ascii=False,
                          separators=(",", ":"))
                out.write("\n")


main()
