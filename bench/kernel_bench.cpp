// kernel_bench.cpp: GB/s of weights in decode (one token) and Gop/s in prefill (many tokens), for
// every kernel set of this CPU and every weight type, as it lies in the file and packed, on one
// thread.
//
//   build/release/bin/kernel_bench --benchmark_filter=avx2/Q8_0/packed
//
// Weights are 64 MiB and more, walked in order as a model's layers are, so that decode reads them
// from memory. An op is a multiply or an add. Compare with the memory's read bandwidth: the first
// line measures it.
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/kernels/kernels.h"
#include "engine/kernels/packed.h"

namespace {

using conclave::engine::activationBytes;
using conclave::engine::ActivationFormat;
using conclave::engine::kernelSet;
using conclave::engine::KernelTable;
using conclave::engine::kPanelRows;
using conclave::engine::packedFormat;
using conclave::engine::TensorType;
using conclave::engine::typeTraits;
using conclave::engine::WeightKernels;

constexpr int kColumns = 2048;
constexpr int kRows = 64;  ///< of one call, as a task of the engine has
constexpr std::size_t kWeightBytes = std::size_t{64} << 20;

/// Small finite numbers in any type.
std::vector<std::byte> someWeights() {
    std::vector<std::byte> bytes(kWeightBytes);
    std::mt19937 random(1);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0x3Fu);
    return bytes;
}

/// Bytes from one row to the next; of a packed matrix, a sixteenth of a panel.
std::size_t rowBytesOf(TensorType type, bool isPacked) {
    if (const auto* format = packedFormat(type); isPacked) {
        return static_cast<std::size_t>(kColumns / format->blockColumns) * format->blockBytes /
               kPanelRows;
    }
    const auto& traits = *typeTraits(type);
    return kColumns / traits.blockValues * traits.blockBytes;
}

void products(benchmark::State& state, const KernelTable& set, TensorType type, bool isPacked,
              int nTokens) {
    const WeightKernels& kernels = *(isPacked ? set.packed(type) : set.find(type));
    const std::size_t rowBytes = rowBytesOf(type, isPacked);
    const std::vector<std::byte> weights = someWeights();
    const std::size_t nPanels = weights.size() / (rowBytes * kRows);

    const std::vector<float> x(kColumns, 0.5f);
    const std::size_t tokenBytes = activationBytes(kernels.input, kColumns);
    const auto n = static_cast<std::size_t>(nTokens);
    std::vector<std::byte> tokens(n * tokenBytes);
    std::vector<float> out(n * kRows);
    std::vector<const void*> inputs;
    std::vector<float*> outputs;
    for (std::size_t t = 0; t < n; ++t) {
        std::byte* token = tokens.data() + t * tokenBytes;
        if (kernels.input == ActivationFormat::Int8Blocks) {
            set.quantize(x.data(), kColumns, token);
        } else {
            std::memcpy(token, x.data(), x.size() * sizeof(float));
        }
        inputs.push_back(token);
        outputs.push_back(out.data() + t * kRows);
    }
    std::size_t panel = 0;
    for (auto iteration : state) {
        static_cast<void>(iteration);
        kernels.matmul({.weights = weights.data() + panel * rowBytes * kRows,
                        .rowBytes = rowBytes,
                        .nRows = kRows,
                        .nColumns = kColumns,
                        .inputs = inputs.data(),
                        .outputs = outputs.data(),
                        .nTokens = nTokens});
        panel = (panel + 1) % nPanels;
        benchmark::DoNotOptimize(out.data());
    }
    const auto calls = static_cast<double>(state.iterations());
    state.counters["GB/s"] = benchmark::Counter(
        calls * static_cast<double>(rowBytes) * kRows * 1e-9, benchmark::Counter::kIsRate);
    state.counters["Gop/s"] =
        benchmark::Counter(calls * 2e-9 * kRows * kColumns * nTokens, benchmark::Counter::kIsRate);
}

void readBandwidth(benchmark::State& state) {
    const std::vector<std::uint64_t> memory(kWeightBytes * 4 / sizeof(std::uint64_t), 1);
    for (auto iteration : state) {
        static_cast<void>(iteration);
        std::uint64_t sums[8] = {};
        for (std::size_t i = 0; i < memory.size(); i += 8) {
            for (std::size_t j = 0; j < 8; ++j) sums[j] += memory[i + j];
        }
        benchmark::DoNotOptimize(sums);
    }
    state.counters["GB/s"] = benchmark::Counter(
        static_cast<double>(state.iterations()) * static_cast<double>(kWeightBytes) * 4e-9,
        benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::RegisterBenchmark("read_bandwidth", readBandwidth);
    for (const char* isa : {"scalar", "avx2", "avx512"}) {
        const KernelTable* set = kernelSet(isa);
        if (set == nullptr) continue;
        for (int i = 0; i < set->nWeightTypes; ++i) {
            const TensorType type = set->weightTypes[i].type;
            for (const bool isPacked : {false, true}) {
                if (isPacked && set->packed(type) == nullptr) continue;
                for (const int nTokens : {1, 8, 60}) {
                    const std::string name =
                        std::string(isa) + "/" + std::string(typeTraits(type)->name) +
                        (isPacked ? "/packed" : "/file") + "/tokens:" + std::to_string(nTokens);
                    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
                        products(state, *set, type, isPacked, nTokens);
                    });
                }
            }
        }
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
