// Logits of llama.cpp, through the npm package node-llama-cpp: many texts and settings of one model at one start.
//
//   PEER_DIR=... node tests/parity/peer_logits.mjs MODEL OUT < REQUEST
//
// REQUEST is a list of {"tokens": [1, 2], "ubatch": 512, "flash": true, "cache": "Q8_0"}. OUT gets raw float32, a row of the
// vocabulary's length for each token of each. PEER_DIR holds the node_modules with node-llama-cpp.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const entry = path.join(process.env.PEER_DIR ?? ".", "node_modules/node-llama-cpp/dist/index.js");
const { getLlama } = await import(pathToFileURL(path.resolve(entry)).href);
let input = "";
for await (const chunk of process.stdin.setEncoding("utf8")) input += chunk;
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: "error" });
const model = await llama.loadModel({ modelPath: path.resolve(process.argv[2]), gpuLayers: 0 });
const out = fs.openSync(process.argv[3], "w");
for (const { tokens, ubatch = 512, flash = "auto", cache } of JSON.parse(input)) {
    const kinds = cache ? { experimentalKvCacheKeyType: cache, experimentalKvCacheValueType: cache } : {};
    const context = await model.createContext({
        contextSize: Math.max(256, tokens.length + 8), batchSize: ubatch, threads: 1, flashAttention: flash, sequences: 1, ...kinds });
    const results = await context.getSequence().controlledEvaluate(
        tokens.map((token) => [token, { generateNext: { logits: true } }]));
    for (const result of results) {
        const { logits } = result.next;
        const row = new Float32Array(logits.size);
        for (const [token, logit] of logits) row[token] = logit;
        fs.writeSync(out, Buffer.from(row.buffer));
    }
    await context.dispose();
}
fs.closeSync(out);
await llama.dispose();
