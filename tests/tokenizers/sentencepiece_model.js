// sentencepiece_model.js: the pieces and rules of a SentencePiece .model file (a protocol buffer).
"use strict";

/// [field number, value]: a number, or the bytes of a string or message.
function* fields(bytes) {
    let at = 0;
    const varint = () => {
        let value = 0n;
        for (let shift = 0n; ; shift += 7n) {
            const byte = bytes[at++];
            value |= BigInt(byte & 0x7f) << shift;
            if (byte < 0x80) return Number(value);
        }
    };
    while (at < bytes.length) {
        const key = varint();
        if ((key & 7) === 0) {
            yield [key >> 3, varint()];
        } else if ((key & 7) === 2) {
            const size = varint();
            at += size;
            yield [key >> 3, bytes.subarray(at - size, at)];
        } else {
            const size = (key & 7) === 5 ? 4 : 8;
            at += size;
            yield [key >> 3, size === 4 ? bytes.readFloatLE(at - 4) : bytes.readDoubleLE(at - 8)];
        }
    }
}

exports.read = function read(bytes) {
    const model = { pieces: [], isBpe: false, prefix: true, collapses: true, charsmap: [] };
    for (const [field, value] of fields(bytes)) {
        if (field === 1) {
            const piece = { text: "", score: 0, type: 1 };
            for (const [part, content] of fields(value)) {
                if (part === 1) piece.text = content.toString("utf8");
                if (part === 2) piece.score = content;
                if (part === 3) piece.type = content;
            }
            model.pieces.push(piece);
        } else if (field === 2) {
            for (const [part, content] of fields(value)) if (part === 3) model.isBpe = content === 2;
        } else if (field === 3) {
            for (const [part, content] of fields(value)) {
                if (part === 2) model.charsmap = content;
                if (part === 3) model.prefix = content !== 0;
                if (part === 4) model.collapses = content !== 0;
            }
        }
    }
    return model;
};
