// to_gguf.js: a tokenizer.json as a GGUF file without weights, with what llama.cpp's converter would
// write under tokenizer.ggml.*.
"use strict";
const fs = require("node:fs");

const kind = { uint8: 0, uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 };
const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

class Writer {
    parts = [];
    number(size, write) {
        const bytes = Buffer.alloc(size);
        write(bytes);
        this.parts.push(bytes);
    }
    u32(value) { this.number(4, (b) => b.writeUInt32LE(value)); }
    u64(value) { this.number(8, (b) => b.writeBigUInt64LE(BigInt(value))); }
    text(value) {
        const bytes = Buffer.from(value, "utf8");
        this.u64(bytes.length);
        this.parts.push(bytes);
    }
    key(name, type) { this.text(name); this.u32(type); }
    string(name, value) { this.key(name, kind.string); this.text(value); }
    id(name, value) { this.key(name, kind.uint32); this.u32(value); }
    flag(name, value) { this.key(name, kind.bool); this.number(1, (b) => b.writeUInt8(value ? 1 : 0)); }
    list(name, type, values) {
        this.key(name, kind.array);
        this.u32(type);
        this.u64(values.length);
        if (type === kind.string) {
            for (const value of values) this.text(value);
            return;
        }
        if (type === kind.uint8) {
            this.parts.push(Buffer.from(values));
            return;
        }
        this.number(values.length * 4, (b) => values.forEach((value, i) =>
            type === kind.float32 ? b.writeFloatLE(value, i * 4) : b.writeInt32LE(value, i * 4)));
    }
}

/// `pre`: the name under tokenizer.ggml.pre for a byte-level vocabulary, null for a SentencePiece one.
exports.write = function write(file, tokenizer, pre) {
    const { vocab, merges } = tokenizer.model;
    const byId = new Map(Object.entries(vocab).map(([text, id]) => [id, text]));
    const added = new Map(tokenizer.added_tokens.map((token) => [token.id, token]));
    let size = 0;
    for (const id of [...byId.keys(), ...added.keys()]) size = Math.max(size, id + 1);
    const pairs = merges.map((merge) => (typeof merge === "string" ? merge.split(" ") : merge));
    // SentencePiece's scores are not in the file; the order of its merges is, and that is all that counts.
    const score = new Map();
    if (pre === null) pairs.forEach(([left, right], rank) => {
        if (!score.has(left + right)) score.set(left + right, -rank);
    });
    const tokens = [];
    const types = [];
    const scores = [];
    for (let id = 0; id < size; ++id) {
        const special = added.get(id);
        const text = special?.content ?? byId.get(id);
        tokens.push(text ?? `[PAD${id}]`);
        scores.push(score.get(text) ?? -1e9);
        if (text === undefined) types.push(tokenType.unused);
        else if (pre === null && text === tokenizer.model.unk_token) types.push(tokenType.unknown);
        else if (pre === null && /^<0x[0-9A-F]{2}>$/.test(text)) types.push(tokenType.byte);
        else if (special) types.push(special.special ? tokenType.control : tokenType.userDefined);
        else types.push(tokenType.normal);
    }
    if (pre === null) {  // a marker is looked for in the text, where a space is a space
        types.forEach((type, id) => {
            if (type === tokenType.userDefined) tokens[id] = tokens[id].replaceAll("▁", " ");
        });
    }
    const prefix = JSON.stringify(tokenizer.normalizer ?? "").includes('"Prepend"');
    writeFile(file, pre === null ? "llama" : "gpt2", tokens, types, (out) => [
        () => out.string("tokenizer.ggml.pre", pre ?? "default"),
        () => out.flag("tokenizer.ggml.add_space_prefix", prefix),
        pre === null ? () => out.list("tokenizer.ggml.scores", kind.float32, scores)
            : () => out.list("tokenizer.ggml.merges", kind.string, pairs.map((pair) => pair.join(" "))),
    ]);
};

/// `pieces`: {text, score, type} of a SentencePiece model, by id. `isBpe`: else Unigram.
exports.writePieces = function writePieces(file, pieces, { isBpe, prefix, collapses, charsmap }) {
    writeFile(file, isBpe ? "llama" : "t5", pieces.map((p) => p.text), pieces.map((p) => p.type), (out) => [
        () => out.list("tokenizer.ggml.scores", kind.float32, pieces.map((p) => p.score)),
        () => out.id("tokenizer.ggml.unknown_token_id", pieces.findIndex((p) => p.type === tokenType.unknown)),
        () => out.flag("tokenizer.ggml.add_space_prefix", prefix),
        () => out.flag("tokenizer.ggml.remove_extra_whitespaces", collapses),
        () => out.list("tokenizer.ggml.precompiled_charsmap", kind.uint8, charsmap ?? []),
    ]);
};

/// `tokens` with U+2581 before those that begin a word, as converters write BERT's vocabulary.
exports.writeWordPiece = function writeWordPiece(file, tokens) {
    const types = tokens.map((text) => /^\[[A-Z]+\]$/.test(text) ? tokenType.control : tokenType.normal);
    writeFile(file, "bert", tokens, types,
        (out) => [() => out.id("tokenizer.ggml.unknown_token_id", tokens.indexOf("[UNK]"))]);
};

function writeFile(file, model, tokens, types, more) {
    const out = new Writer();
    const entries = [
        () => out.string("general.architecture", "llama"),
        () => out.string("tokenizer.ggml.model", model),
        () => out.list("tokenizer.ggml.tokens", kind.string, tokens),
        () => out.list("tokenizer.ggml.token_type", kind.int32, types),
        () => out.flag("tokenizer.ggml.add_bos_token", false),
        ...more(out),
    ];
    out.parts.push(Buffer.from("GGUF"));
    out.u32(3);
    out.u64(0);
    out.u64(entries.length);
    for (const entry of entries) entry();
    fs.writeFileSync(file, Buffer.concat(out.parts));
}
