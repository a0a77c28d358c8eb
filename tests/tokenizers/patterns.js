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

exports.patterns = {
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
