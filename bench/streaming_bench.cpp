// streaming_bench.cpp: how fast a model is that is larger than the memory it may take.
//
//   streaming_bench MODEL MODE MEMORY_MIB THREADS N_PREFILL N_DECODE REPEATS
//
// MODE: "ahead" reads experts ahead into memory of its own; "paged" leaves them to the system's
// paging, held to the same memory by page_limit.h. MEMORY_MIB 0: what the system allows. Prints one
// JSON object; bigger_than_ram runs it.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/page_limit.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"

namespace {

using namespace conclave;  // NOLINT(google-build-using-namespace): a program of one file

double statusMebibytes(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind(key + ":", 0) == 0) return std::stod(line.substr(key.size() + 1)) / 1024.0;
    }
    return 0.0;
}

[[noreturn]] void stop(const std::string& why) {
    std::cerr << "streaming_bench: " << why << '\n';
    std::exit(1);
}

/// Where the routed experts lie, expert by expert.
std::vector<bench::FileRange> expertRanges(const std::string& path) {
    const auto file = engine::GgufFile::open(path);
    if (!file) stop(file.error().detail);
    std::vector<bench::FileRange> ranges;
    for (const engine::TensorInfo& tensor : file->tensors()) {
        if (tensor.name.find("_exps.") == std::string::npos) continue;
        const std::uint64_t nExperts = tensor.shape.back();
        const std::uint64_t bytes = tensor.data.size() / nExperts;
        const std::uint64_t offset = file->placeOf(tensor.data.data()).offset;
        for (std::uint64_t i = 0; i < nExperts; ++i) ranges.push_back({offset + i * bytes, bytes});
    }
    return ranges;
}

std::vector<engine::TokenId> someTokens(int n, int vocabularySize) {
    std::vector<engine::TokenId> tokens;
    std::uint32_t state = 1;
    for (int i = 0; i < n; ++i) {
        state = state * 1664525U + 1013904223U;
        tokens.push_back(static_cast<engine::TokenId>((state >> 8U) %
                                                      static_cast<std::uint32_t>(vocabularySize)));
    }
    return tokens;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 8) stop("expects 7 arguments, see the head of streaming_bench.cpp");
    const std::string path = argv[1];
    const bool readsAhead = std::string(argv[2]) == "ahead";
    const std::uint64_t memoryBytes = std::strtoull(argv[3], nullptr, 10) << 20U;
    const int nThreads = std::atoi(argv[4]);
    const int nPrefill = std::atoi(argv[5]);
    const int nDecode = std::atoi(argv[6]);
    const int nRepeats = std::atoi(argv[7]);

    bench::dropFromCache(path);
    nlohmann::json report;
    engine::LoadOptions options;
    options.memoryBytes = memoryBytes;
    options.readsAhead = readsAhead;
    options.onPlan = [&](const engine::MemoryPlan& plan) {
        report["streams"] = plan.streams;
        report["plan"] = plan.text();
        report["predicted_tps"] = plan.tokensPerSecond;
    };
    const auto start = std::chrono::steady_clock::now();
    const auto model = engine::Model::load(path, options);
    if (!model) stop(model.error().detail);
    (*model)->settle();
    const std::chrono::duration<double, std::milli> loadTime =
        std::chrono::steady_clock::now() - start;
    const auto session = engine::Session::create(
        *model, {.contextLength = nPrefill + nDecode + 8, .nThreads = nThreads});
    if (!session) stop(session.error().detail);
    const bool isHeld = !readsAhead && memoryBytes > 0;
    const auto ranges = isHeld ? expertRanges(path) : std::vector<bench::FileRange>();
    const bench::PageLimit limit(path, ranges, memoryBytes);

    std::vector<double> prefill;
    std::vector<double> decode;
    for (int repeat = 0; repeat < nRepeats; ++repeat) {
        (*session)->clear();
        engine::GenerateRequest request;
        request.prompt = someTokens(nPrefill, (*model)->info().vocabularySize);
        request.prompt.front() += repeat;  // so that no repeat is the one before
        request.sampling.temperature = 0.0f;
        request.maxTokens = nDecode;
        request.ignoreEndOfTurn = true;
        const auto result = (*session)->generate(request);
        if (!result) stop(result.error().detail);
        prefill.push_back(result->usage.prefillSpeed());
        decode.push_back(result->usage.decodeSpeed());
    }
    report["load_ms"] = loadTime.count();
    report["prefill_tps"] = prefill;
    report["decode_tps"] = decode;
    report["rss_mib"] = statusMebibytes("VmRSS");
    report["peak_rss_mib"] = statusMebibytes("VmHWM");
    std::cout << report.dump() << '\n';
    return 0;
}
