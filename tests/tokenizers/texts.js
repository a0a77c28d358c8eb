// texts.js: fixed and random texts, the same for one seed everywhere.
"use strict";

exports.fixed = [
    "", " ", "  ", "\n", "\n\n", "\t", "\r\n", " \n ", "\n \n\n \n\n\n", "a", " a", "a ", "  a  ",
    "Hello, world!", "I'm sure you'll say we've done what they'd do, isn't it? IT'S. ’s",
    "3.14159 1234567890 ½ ٣٤٥ १२३ Ⅷ ²", "def f(x):\n    return x ** 2  # 平方\n\n\n\tif (a && b) { c += 1; }",
    "你好，世界！今天天气怎么样？", "こんにちは、世界。カタカナ", "안녕하세요 세계", "Привет, мир! ЁЖИК", "Γειά σου Κόσμε",
    "مرحبا بالعالم", "שלום עולם", "नमस्ते दुनिया", "สวัสดีชาวโลก", "Cửa Việt — e\u0301te\u0301 vs été", "ﬁ ﬀ Å Å K Ω",
    "🚀👩‍👩‍👧‍👦🏳️‍🌈🇩🇪👍🏽", "a\u0000b\u0001\u007f\u0085\u00a0\u200b\u2028\u3000c\ufeff", "<|im_start|>user\nhi<|im_end|>",
    "<s>[INST] x [/INST]</s>", "<start_of_turn>model\n", "<｜User｜>a<｜Assistant｜><think>\n", "▁a▁▁b", "ĠaĠ", "<0x0A>",
    "https://example.org/a_b-c?d=e&f=%20#g", "camelCaseAndHTTPServer snake_case XMLHttpRequest", "=======", "aaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// A small generator (mulberry32), so that a seed names its texts.
exports.random = function random(seed) {
    let state = seed >>> 0;
    const next = () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const below = (n) => Math.floor(next() * n);
    const pick = (list) => list[below(list.length)];
    const times = (most, make) => Array.from({ length: 1 + below(most) }, make).join("");
    const range = (first, last) => () => String.fromCodePoint(first + below(last - first + 1));
    const words = ("the of and to in is that it was for on are as with his they at be this have from or had by "
        + "Paris Database HTTP iPhone strawberry antidisestablishmentarianism colour naïve café résumé über straße "
        + "don't we'll I'VE it's they're He'd rock'n'roll o'clock").split(" ");
    const code = ["() => {", "if (x == 1)", "#include <vector>\n", "return;\n", "\tfor i in range(10):\n", "a[i] += b;",
        "</div>", "std::string", "$PATH", "&&", "!=", "->", "::", "//", "/* */", "\\n", "\"key\": ", "0xFF", "1e-9", "{{", "}}"];
    const spaces = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\v", "\f", "\u0085", "\u00a0", "\u2009",
        "\u2028", "\u3000", "        "];
    const emoji = ["😀", "🚀", "👩‍💻", "👍🏽", "🏳️‍🌈", "🇯🇵", "❤️", "☺", "1️⃣", "👨‍👩‍👧‍👦", "🫠"];
    const scripts = [range(0x41, 0x5a), range(0x61, 0x7a), range(0xc0, 0x24f), range(0x370, 0x3ff), range(0x400, 0x4ff),
        range(0x531, 0x587), range(0x5d0, 0x5ea), range(0x620, 0x66f), range(0x900, 0x97f), range(0xe01, 0xe5b),
        range(0x10a0, 0x10ff), range(0x1100, 0x11ff), range(0x1e00, 0x1fff), range(0x3041, 0x30ff), range(0x4e00, 0x9fff),
        range(0xac00, 0xd7a3), range(0x1d400, 0x1d7ff), range(0x20000, 0x20400), range(0x1c80, 0x1cbf)];
    const marks = [range(0x300, 0x36f), range(0x20d0, 0x20f0), range(0xfe00, 0xfe0f), range(0x1f3fb, 0x1f3ff)];
    const punctuation = [range(0x21, 0x2f), range(0x3a, 0x40), range(0x5b, 0x60), range(0x7b, 0x7e), range(0xa1, 0xbf),
        range(0x2010, 0x205e), range(0x2190, 0x22ff), range(0x3001, 0x3011), range(0xff01, 0xff5e), range(0x20a0, 0x20c0)];
    const anything = () => {
        const c = below(next() < 0.7 ? 0x10000 : 0x30000);
        return c >= 0xd800 && c <= 0xdfff ? "�" : String.fromCodePoint(c);
    };
    const digits = [range(0x30, 0x39), range(0x30, 0x39), range(0x660, 0x669), range(0x966, 0x96f), range(0xff10, 0xff19),
        range(0x2150, 0x218b), range(0xb2, 0xb3)];
    const run = (makers, most) => { const make = pick(makers); return times(most, make); };
    const word = () => {
        const w = pick(words);
        return next() < 0.2 ? w.toUpperCase() : w;
    };
    return (markers) => times(20, () => {
        switch (below(16)) {
            case 0: case 1: case 2: case 3: return word() + (next() < 0.7 ? " " : "");
            case 4: return " " + word();
            case 5: return pick(code);
            case 6: case 7: return pick(spaces) + (next() < 0.3 ? pick(spaces) : "");
            case 8: return pick(emoji);
            case 9: case 10: return run(scripts, 6);
            case 11: return run(digits, 7);
            case 12: return run(punctuation, 4);
            case 13: return pick(scripts)() + run(marks, 2);
            case 14: return next() < 0.2 && markers.length ? pick(markers) : times(12, range(0x20, 0x7e));
            default: return next() < 0.5 ? anything() : pick(["'s", "'LL", "'Ve", "’t", "'", "_", ".", ",", "s's"]);
        }
    });
};
