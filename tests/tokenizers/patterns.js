// patterns.js: the expressions by which models cut text into words, under their names in GGUF files
// (tokenizer.ggml.pre), as their tokenizer.json has them. Those that tests/golden and the published
// vocabularies cover are not repeated.
"use strict";

const contraction = "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])";
const letters = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
const marks = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
const spaces = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const gpt4 = (digits) => `${contraction}|${letters}|${digits}|${marks}|${spaces}`;
const upper = "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}";
const lower = "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}";
const lead = "[^\\r\\n\\p{L}\\p{N}]?";
const cased = `${lead}[${upper}]*[${lower}]+(?:${contraction})?|${lead}[${upper}]+[${lower}]*(?:${contraction})?`;
const o200k = (digits) => `${cased}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n\\/]*|${spaces}`;
const noHan = (classes) => `[[${classes}]--[\\p{Script=Han}]]`;
const kimi = [`${lead}${noHan(upper)}*${noHan(lower)}+(?:${contraction})?`,
    `${lead}${noHan(upper)}+${noHan(lower)}*(?:${contraction})?`];
const ascii = "[!\"#$%&'\\(\\)*+,\\-.\\/:;<=>?@\\[\\\\\\]^_`\\{\\|\\}~][A-Za-z]+";
const deepseekCjk = "[\\u4e00-\\u9fa5\\u3040-\\u30ff]+";
const deepseek = `${ascii}|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${spaces}`;
const fromRight = "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))";
const bloom = " ?[^\\(\\s\\|.,!?\\u2026\\u3002\\uff0c\\u3001\\u0964\\u06d4\\u060c\\)]+";

// The letters that DeepSeek-LLM's lists.
const listed = "A-Za-z\\u{b5}\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{1ba}\\u{1bc}-\\u{1bf}\\u{1c4}-\\u{293}" +
    "\\u{295}-\\u{2af}\\u{370}-\\u{373}\\u{376}\\u{377}\\u{37b}-\\u{37d}\\u{37f}\\u{386}" +
    "\\u{388}-\\u{38a}\\u{38c}\\u{38e}-\\u{3a1}\\u{3a3}-\\u{3f5}\\u{3f7}-\\u{481}\\u{48a}-\\u{52f}" +
    "\\u{531}-\\u{556}\\u{10a0}-\\u{10c5}\\u{13a0}-\\u{13f5}\\u{13f8}-\\u{13fd}\\u{1c90}-\\u{1cba}" +
    "\\u{1cbd}-\\u{1cbf}\\u{1d00}-\\u{1d2b}\\u{1d6b}-\\u{1d77}\\u{1d79}-\\u{1d9a}\\u{1e00}-\\u{1f15}" +
    "\\u{1f18}-\\u{1f1d}\\u{1f20}-\\u{1f45}\\u{1f48}-\\u{1f4d}\\u{1f50}-\\u{1f57}\\u{1f59}\\u{1f5b}" +
    "\\u{1f5d}\\u{1f5f}-\\u{1f7d}\\u{1f80}-\\u{1fb4}\\u{1fb6}-\\u{1fbc}\\u{1fbe}\\u{1fc2}-\\u{1fc4}" +
    "\\u{1fc6}-\\u{1fcc}\\u{1fd0}-\\u{1fd3}\\u{1fd6}-\\u{1fdb}\\u{1fe0}-\\u{1fec}\\u{1ff2}-\\u{1ff4}" +
    "\\u{1ff6}-\\u{1ffc}\\u{2102}\\u{2107}\\u{210a}-\\u{2113}\\u{2115}\\u{2119}-\\u{211d}\\u{2124}" +
    "\\u{2126}\\u{2128}\\u{212a}-\\u{212d}\\u{212f}-\\u{2134}\\u{2139}\\u{213c}-\\u{213f}" +
    "\\u{2145}-\\u{2149}\\u{214e}\\u{2183}\\u{2184}\\u{2c00}-\\u{2c7b}\\u{2c7e}-\\u{2ce4}" +
    "\\u{2ceb}-\\u{2cee}\\u{2cf2}\\u{2cf3}\\u{a640}-\\u{a66d}\\u{a680}-\\u{a69b}\\u{a722}-\\u{a76f}" +
    "\\u{a771}-\\u{a787}\\u{a78b}-\\u{a78e}\\u{ab70}-\\u{abbf}\\u{fb00}-\\u{fb06}\\u{fb13}-\\u{fb17}" +
    "\\u{ff21}-\\u{ff3a}\\u{ff41}-\\u{ff5a}\\u{10400}-\\u{1044f}\\u{104b0}-\\u{104d3}" +
    "\\u{104d8}-\\u{104fb}\\u{10c80}-\\u{10cb2}\\u{10cc0}-\\u{10cf2}\\u{118a0}-\\u{118df}" +
    "\\u{1e900}-\\u{1e943}";

exports.patterns = {
    "deepseek-llm": ["[\\r\\n]", `\\s?[${listed}]+`,
        "\\s?[!-\\/:-\\~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", "\\s+$",
        "[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+", "\\p{N}+"],
    "jina-v2-code": [gpt2],
    "trillion": [gpt2],
    "exaone4": [gpt2],
    "midm-2.0": [gpt4("\\p{N}{1,3}")],
    "minicpm5": ["\\p{N}{1,3}", gpt4("\\p{N}+")],
    "jais-2": [`${contraction}|${letters}|\\p{N}{1,3}|${marks}|\\s*[\\r\\n]+|` +
        "\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)|" +
        "\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s"],
    "grok-2": [gpt4("\\p{N}")],
    "bailingmoe2": ["'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" +
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"],
    "laguna": ["[^\\n]+|[\\n]+", gpt4("\\p{N}")],
    "seed-coder": [`${contraction}|${letters}|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${spaces}`],
    "ufakzeka": [`${letters}|\\p{N}|${marks}|${spaces}`],
    "exaone-moe": [`${contraction}|${lead}(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|` +
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n\\/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"],
    "mellum2": ["\\p{N}", gpt2],
    "bloom": [bloom],
    "viking": [bloom, "\\p{N}"],
    "joyai-llm": ["\\p{N}{1,3}", deepseekCjk, deepseek],
    "spark2_5": ["\\p{N}{1,3}", deepseekCjk, `${ascii}|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|` +
        " ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+", "\\p{N}"],
    "afmoe": [fromRight, "[\\u4e00-\\u9fff\\u3400-\\u4dbf\\u8c48-\\ufaff\\u3040-\\u30ff\\uff65-\\uff9f" +
        "\\u2f00-\\u2fdf\\u0e40-\\u0eff\\u1780-\\u17ff\\u1000-\\u109f\\uaa60-\\uaa7f\\ua9e0-\\ua9ff\\u1100-\\u11ff]+",
        deepseek],
    "kanana2": [o200k("\\p{N}{1,3}")],
    "minimax-m2": [o200k("\\p{N}{1,3}")],
    "granite-embed-multi-97m": [o200k("\\p{N}{1,3}")],
    "tiny_aya": [fromRight, o200k("\\p{N}{1,3}")],
    "youtu": ["[\\uac00-\\ud7a3\\u3131-\\u318e]+|[\\uff01\\u2026\\u201c\\u201d\\u2018\\u2019\\u2014\\uff1a\\uff1b\\uff0c" +
        "\\u3001-\\u303f\\ufe30-\\ufe4f]+|[\\u3105-\\u312f]+|[\\u4e00-\\u9fa5\\u3040-\\u30ff]+", o200k("\\p{N}")],
    "kimi-k2": [`[\\p{Script=Han}]+|${kimi.join("|")}|\\p{N}{1,3}|${marks}|${spaces}`],
    "superbpe": ["\\p{N}+", "(?=([0-9]{3})+(?![0-9]))"],
    "chameleon": ["<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}",
        "[\\p{P}!-\\/:-@\\[-`\\{-~]", gpt2],
};

/// The words of `text`: each expression cuts what the one before left into its matches and what lies
/// between them.
exports.cut = function cut(expressions, text) {
    let words = [text];
    for (const expression of expressions) {
        // JavaScript's \s is not Unicode's White_Space.
        const regex = new RegExp(expression.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}"), "gv");
        words = words.flatMap((word) => {
            const parts = [];
            let at = 0;
            for (const match of word.matchAll(regex)) {
                parts.push(word.slice(at, match.index), match[0]);
                at = match.index + match[0].length;
            }
            return [...parts, word.slice(at)].filter((part) => part !== "");
        });
    }
    return words;
};
