// What llama.cpp, through the npm package node-llama-cpp, gives for a model that embeds or ranks.
//
//   PEER_DIR=... node tests/parity/peer_embed.mjs MODEL < REQUEST
//
// REQUEST is {"tokens": [[1, 2], ...], "rank": false, "texts": ["...", ...]}; printed is
// {"vectors": [[...], ...], "ids": [[...], ...]}: pooled values of each list of tokens, and each text's
// tokens without marks. PEER_DIR holds the node_modules with node-llama-cpp.
import path from "node:path";
import { pathToFileURL } from "node:url";

const entry = path.join(process.env.PEER_DIR ?? ".", "node_modules/node-llama-cpp/dist/index.js");
const { getLlama } = await import(pathToFileURL(path.resolve(entry)).href);
let input = "";
for await (const chunk of process.stdin.setEncoding("utf8")) input += chunk;
const request = JSON.parse(input);
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: "error" });
const model = await llama.loadModel({ modelPath: path.resolve(process.argv[2]), gpuLayers: 0 });
const vectors = [];
if (request.tokens?.length > 0) {
    const context = await model.createContext({
        contextSize: 64, batchSize: 64, threads: 1, sequences: 1, _embeddings: true,
        _ranking: request.rank === true });
    const sequence = context.getSequence();
    for (const tokens of request.tokens) {
        await sequence.eraseContextTokenRanges([{ start: 0, end: sequence.nextTokenIndex }]);
        for await (const _ of sequence.evaluate(tokens, { _noSampling: true })) break;
        vectors.push([...context._ctx.getEmbedding(tokens.length)].slice(0, request.rank ? 1 : undefined));
    }
}
const ids = (request.texts ?? []).map((text) => [...model.tokenize(text, false)]);
console.log(JSON.stringify({ vectors, ids }));
await llama.dispose();
