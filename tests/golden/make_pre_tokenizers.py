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


# The letters that its tokenizer.json lists.
DEEPSEEK_LETTERS = (
    r"A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293"
    r"\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c"
    r"\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5"
    r"\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77"
    r"\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59"
    r"\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc"
    r"\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107"
    r"\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
    r"\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee"
    r"\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e"
    r"\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a"
    r"\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"
    r"\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943")


SCHEMES = {
    "gpt-2": [GPT2],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, r"[0-9][0-9][0-9]"],
    "llama-bpe": [GPT4],
    "qwen2": [QWEN2],
    "starcoder": [r"\p{N}", GPT2],
    "deepseek-llm": [
        r"[\r\n]", r"\s?[" + DEEPSEEK_LETTERS + "]+",
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
    "Հայերեն լեզուն  \u1c90\u10d0 \u2d00\u2d01 \u13a0\uab70 \u01bb\u0294 f(\U0001d465)  \U0001d458",
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
