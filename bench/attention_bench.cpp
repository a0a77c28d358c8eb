// attention_bench.cpp: attention alone, a layer after the other on one thread: prefill of a batch
// in Gflop/s and decode of a token in GB/s of keys and values, at the shapes of well-known models
// and for every kernel set of this CPU.
//
//   build/release/bin/attention_bench --benchmark_filter=avx512/olmoe
//
// Only what the tokens see is counted: 2 * (queryDim + valueDim) flop for each query and position.
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/kernels/kernels.h"
#include "engine/model/attend.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/thread_pool.h"

namespace {

using conclave::engine::AttendArgs;
using conclave::engine::AttentionKind;
using conclave::engine::kernelSet;
using conclave::engine::KernelTable;
using conclave::engine::KvCache;
using conclave::engine::KvType;
using conclave::engine::ModelConfig;
using conclave::engine::ThreadPool;

struct Shape {
    const char* name;
    int nHeads;
    int nKvHeads;
    int queryDim;
    int valueDim;  ///< less than queryDim: a latent, which is the beginning of the key
    KvType type = KvType::F16;
};

constexpr Shape kShapes[] = {
    {"olmoe", 16, 16, 128, 128},    {"olmoe-q8_0", 16, 16, 128, 128, KvType::Q8_0},
    {"qwen3-30b", 32, 4, 128, 128}, {"mixtral", 32, 8, 128, 128},
    {"gpt-oss", 64, 8, 64, 64},     {"deepseek-v2-lite", 16, 1, 576, 512},
};

/// So many that a token reads its keys and values from memory, as in a model.
int layersOf(const Shape& shape) { return shape.valueDim < shape.queryDim ? 16 : 2; }

ModelConfig configOf(const Shape& shape) {
    ModelConfig config;
    config.nLayers = layersOf(shape);
    config.nHeads = shape.nHeads;
    if (shape.valueDim < shape.queryDim) {
        config.attention = AttentionKind::Latent;
        config.latent.latentDim = shape.valueDim;
        config.rope.dim = shape.queryDim - shape.valueDim;
    } else {
        config.grouped.nKvHeads = shape.nKvHeads;
        config.grouped.headDim = shape.queryDim;
    }
    return config;
}

/// Tokens [nBefore, nBefore + nTokens) attend to all up to themselves.
void attention(benchmark::State& state, const KernelTable& set, const Shape& shape, int nBefore,
               int nTokens) {
    const int nPositions = nBefore + nTokens;
    const bool isLatent = shape.valueDim < shape.queryDim;
    const int keysDim = shape.nKvHeads * shape.queryDim;
    auto cache = KvCache::create(configOf(shape), nPositions, nTokens, shape.type);
    if (!cache) {
        state.SkipWithError(cache.error().detail.c_str());
        return;
    }
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    const auto nNumbers = static_cast<std::size_t>(keysDim);
    std::vector<float> numbers(nNumbers + 997);  // keys and values begin anywhere in it
    for (float& number : numbers) number = normal(random);
    cache->makeRoom(0, nPositions);
    const int nLayers = layersOf(shape);
    for (int layer = 0; layer < nLayers; ++layer) {
        for (int position = 0; position < nPositions; ++position) {
            const auto begin = static_cast<std::size_t>(position) * 31;
            cache->writeKeys(set, layer, position, {numbers.data() + begin % 997, nNumbers});
            if (isLatent) continue;
            cache->writeValues(set, layer, position,
                               {numbers.data() + (begin + 13) % 997, nNumbers});
        }
    }
    const auto nPairs = static_cast<std::size_t>(nTokens) * static_cast<std::size_t>(shape.nHeads);
    std::vector<float> queries(nPairs * static_cast<std::size_t>(shape.queryDim));
    for (float& number : queries) number = normal(random);
    std::vector<float> outputs(nPairs * static_cast<std::size_t>(shape.valueDim));
    AttendArgs args{.queries = queries.data(),
                    .outputs = outputs.data(),
                    .keys = cache->keys(0),
                    .values = cache->values(0),
                    .queryDim = shape.queryDim,
                    .valueDim = shape.valueDim,
                    .nHeads = shape.nHeads,
                    .nKvHeads = shape.nKvHeads,
                    .nTokens = nTokens,
                    .firstPosition = nBefore,
                    .scale = 0.1f};
    ThreadPool pool(1);
    int layer = 0;
    for (auto iteration : state) {
        static_cast<void>(iteration);
        layer = (layer + 1) % nLayers;
        args.keys = cache->keys(layer);
        args.values = cache->values(layer);
        conclave::engine::attend(set, pool, args);
        benchmark::DoNotOptimize(outputs.data());
    }
    const auto calls = static_cast<double>(state.iterations());
    const double seen = nTokens * (nBefore + (nTokens + 1) / 2.0);
    state.counters["Gflop/s"] =
        benchmark::Counter(calls * seen * shape.nHeads * (shape.queryDim + shape.valueDim) * 2e-9,
                           benchmark::Counter::kIsRate);
    state.counters["GB/s"] = benchmark::Counter(
        calls * nPositions * static_cast<double>(cache->positionBytes()) / nLayers * 1e-9,
        benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
    for (const char* isa : {"scalar", "avx2", "avx512"}) {
        const KernelTable* set = kernelSet(isa);
        if (set == nullptr) continue;
        for (const Shape& shape : kShapes) {
            const auto add = [&](const std::string& what, int nBefore, int nTokens) {
                benchmark::RegisterBenchmark(
                    (std::string(isa) + "/" + shape.name + "/" + what).c_str(),
                    [=](benchmark::State& state) {
                        attention(state, *set, shape, nBefore, nTokens);
                    })
                    ->Unit(benchmark::kMillisecond);
            };
            add("prefill:512", 0, 512);
            add("prefill:512/behind:3584", 3584, 512);
            add("batch:8/behind:4088", 4088, 8);
            add("decode/behind:4095", 4095, 1);
        }
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
