// peer_runner.cpp: llama.cpp's speed on one model, by the shared libraries that the npm package
// node-llama-cpp brings, without JavaScript between. compare_peers compiles and runs it; it is no
// part of Conclave's build.
//
//   peer_runner LIBRARY_FOLDER MODEL THREADS N_PREFILL N_DECODE DEPTH REPEATS [MEMORY_MIB]
//   peer_runner LIBRARY_FOLDER MODEL THREADS answer N_PROMPT N_ANSWER
//   peer_runner LIBRARY_FOLDER MODEL THREADS deep N_BEFORE N_PREFILL N_DECODE
//
// Prints one JSON object, the first as `conclave bench --json` does, the others as engine_runner
// does. The peer gets what makes it fastest: the best CPU backend, its run-time repacking, flash
// attention where it chooses so, batches of 512. With MEMORY_MIB its weights stay mapped, since
// repacked ones would not fit, and it is held to so much memory (page_limit.h) unless that is 0.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "gguf.h"
#include "llama.h"
#include "page_limit.h"
#include "runner_tools.h"

namespace {

using conclave::bench::Clock;

using conclave::bench::ownCpuSeconds;
using conclave::bench::residentMebibytes;
using conclave::bench::secondsSince;
using conclave::bench::someTokens;

[[noreturn]] void stop(const std::string& why) {
    std::fprintf(stderr, "peer_runner: %s\n", why.c_str());
    std::exit(1);
}

/// Where the routed experts lie, expert by expert.
std::vector<conclave::bench::FileRange> expertRanges(const char* path) {
    gguf_context* file = gguf_init_from_file(path, {true, nullptr});
    if (file == nullptr) stop("the model's tensors cannot be read");
    std::vector<conclave::bench::FileRange> ranges;
    const std::uint64_t data = gguf_get_data_offset(file);
    for (std::int64_t i = 0; i < gguf_get_n_tensors(file); ++i) {
        if (std::string(gguf_get_tensor_name(file, i)).find("_exps.") == std::string::npos)
            continue;
        // Cut alike for all models: about an expert's matrix.
        constexpr std::uint64_t kPiece = 1 << 20;
        const std::uint64_t offset = data + gguf_get_tensor_offset(file, i);
        const std::uint64_t bytes = gguf_get_tensor_size(file, i);
        for (std::uint64_t at = 0; at < bytes; at += kPiece) {
            ranges.push_back({offset + at, std::min(kPiece, bytes - at)});
        }
    }
    gguf_free(file);
    return ranges;
}

class Peer {
public:
    Peer(const char* path, int nThreads, int contextLength, bool staysMapped = false) {
        llama_model_params modelParams = llama_model_default_params();
        if (staysMapped) modelParams.use_extra_bufts = false;
        m_model = llama_model_load_from_file(path, modelParams);
        if (m_model == nullptr) stop("llama.cpp cannot load the model");
        llama_context_params params = llama_context_default_params();
        params.n_ctx = static_cast<std::uint32_t>(contextLength);
        params.n_batch = params.n_ubatch = 512;
        params.n_threads = params.n_threads_batch = nThreads;
        m_context = llama_init_from_model(m_model, params);
        if (m_context == nullptr) stop("llama.cpp cannot make a context");
        m_vocabularySize = llama_vocab_n_tokens(llama_model_get_vocab(m_model));
    }

    [[nodiscard]] int vocabularySize() const { return m_vocabularySize; }

    void cutTo(int position) {
        if (!llama_memory_seq_rm(llama_get_memory(m_context), -1, position, -1)) {
            stop("llama.cpp cannot cut its cache");
        }
    }

    /// Logits of the last token only, as a prompt's prefill wants.
    void evaluate(std::vector<llama_token> tokens) {
        for (std::size_t at = 0; at < tokens.size(); at += 512) {
            const auto n =
                static_cast<std::int32_t>(std::min<std::size_t>(512, tokens.size() - at));
            if (llama_decode(m_context, llama_batch_get_one(tokens.data() + at, n)) != 0) {
                stop("llama.cpp cannot decode");
            }
        }
        llama_synchronize(m_context);
    }

    [[nodiscard]] llama_token best() {
        const float* logits = llama_get_logits_ith(m_context, -1);
        return static_cast<llama_token>(std::max_element(logits, logits + m_vocabularySize) -
                                        logits);
    }

private:
    llama_model* m_model = nullptr;
    llama_context* m_context = nullptr;
    int m_vocabularySize = 0;
};

struct Rates {
    std::vector<double> tokensPerSecond;
    std::vector<double> cores;  ///< own CPU time over wall time

    template <typename Work>
    void measure(int nTokens, const Work& work) {
        const double cpu = ownCpuSeconds();
        const auto start = Clock::now();
        work();
        const double wall = secondsSince(start);
        tokensPerSecond.push_back(nTokens / wall);
        cores.push_back((ownCpuSeconds() - cpu) / wall);
    }

    void print(const char* name) const {
        const auto list = [](const std::vector<double>& values) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                std::printf("%s%.3f", i > 0 ? "," : "", values[i]);
            }
        };
        std::printf(",\"%s_tps\":[", name);
        list(tokensPerSecond);
        std::printf("],\"%s_cores\":[", name);
        list(cores);
        std::printf("]");
    }
};

void printReport(double loadSeconds, const Rates& prefill, const Rates& decode) {
    std::printf("{\"load_ms\":%.1f,\"rss_mib\":%.1f,\"build\":\"%s\"", loadSeconds * 1e3,
                residentMebibytes(), llama_version());
    prefill.print("prefill");
    decode.print("decode");
    std::printf("}\n");
}

void measureDecode(Peer& peer, int nDecode, Rates& decode) {
    peer.evaluate({1});
    decode.measure(nDecode, [&] {
        for (int i = 0; i < nDecode; ++i) peer.evaluate({peer.best()});
    });
}

/// Prefill behind nBefore tokens, and decode behind all of them.
void deep(const char* path, int nThreads, int nBefore, int nPrefill, int nDecode) {
    const Clock::time_point begun = Clock::now();
    Peer peer(path, nThreads, nBefore + nPrefill + nDecode + 64);
    const double loadSeconds = secondsSince(begun);
    peer.evaluate(someTokens(nBefore, peer.vocabularySize()));
    Rates prefill;
    Rates decode;
    const std::vector<llama_token> tokens = someTokens(nPrefill, peer.vocabularySize(), 2);
    prefill.measure(nPrefill, [&] { peer.evaluate(tokens); });
    measureDecode(peer, nDecode, decode);
    printReport(loadSeconds, prefill, decode);
}

/// Seconds to the first and the last token of two questions with nothing in common, loading
/// included in the first.
void answerTwice(const char* path, int nThreads, int nPrompt, int nAnswer) {
    Clock::time_point begun = Clock::now();
    const double cpuBefore = ownCpuSeconds();
    Peer peer(path, nThreads, nPrompt + nAnswer + 8);
    for (const char* name : {"cold", "warm"}) {
        const bool isWarm = std::string(name) == "warm";
        if (isWarm) {
            peer.cutTo(0);
            begun = Clock::now();
        }
        peer.evaluate(someTokens(nPrompt, peer.vocabularySize(), isWarm ? 2 : 1));
        llama_token next = peer.best();
        const double first = secondsSince(begun);
        for (int i = 1; i < nAnswer; ++i) {
            peer.evaluate({next});
            next = peer.best();
        }
        std::printf("%s\"%s\":[%.3f,%.3f]", isWarm ? "," : "{", name, first, secondsSince(begun));
    }
    std::printf(",\"cpu_s\":%.3f}\n", ownCpuSeconds() - cpuBefore);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 4 ? argv[4] : "";
    const bool answers = mode == "answer" && argc == 7;
    if (argc != 8 && argc != 9 && !answers) {
        stop("expects other arguments, see the head of peer_runner.cpp");
    }
    if (answers || mode == "deep") {
        llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
        ggml_backend_load_all_from_path(argv[1]);
        llama_backend_init();
        const int first = std::atoi(argv[5]);
        const int second = std::atoi(argv[6]);
        if (answers) {
            answerTwice(argv[2], std::atoi(argv[3]), first, second);
        } else {
            deep(argv[2], std::atoi(argv[3]), first, second, std::atoi(argv[7]));
        }
        return 0;
    }
    const int nThreads = std::atoi(argv[3]);
    const int nPrefill = std::atoi(argv[4]);
    const int nDecode = std::atoi(argv[5]);
    const int depth = std::atoi(argv[6]);
    const int nRepeats = std::atoi(argv[7]);
    const std::uint64_t memoryBytes = argc > 8 ? std::strtoull(argv[8], nullptr, 10) << 20U : 0;

    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    ggml_backend_load_all_from_path(argv[1]);
    llama_backend_init();
    const auto start = Clock::now();
    Peer peer(argv[2], nThreads, depth + std::max(nPrefill, nDecode) + 64, argc > 8);
    const double loadSeconds = secondsSince(start);
    // What loading has read ahead is more than the limit allows.
    if (argc > 8) conclave::bench::dropFromCache(argv[2]);
    const conclave::bench::PageLimit limit(
        argv[2],
        memoryBytes > 0 ? expertRanges(argv[2]) : std::vector<conclave::bench::FileRange>(),
        memoryBytes);

    peer.evaluate(someTokens(16, peer.vocabularySize()));  // what the first use costs is not speed
    peer.cutTo(0);
    if (depth > 0) peer.evaluate(someTokens(depth, peer.vocabularySize()));
    Rates prefill;
    Rates decode;
    for (int repeat = 0; repeat < nRepeats; ++repeat) {
        if (nPrefill > 0) {
            const std::vector<llama_token> tokens = someTokens(nPrefill, peer.vocabularySize());
            prefill.measure(nPrefill, [&] { peer.evaluate(tokens); });
            peer.cutTo(depth);
        }
        if (nDecode > 0) {
            measureDecode(peer, nDecode, decode);
            peer.cutTo(depth);
        }
    }
    printReport(loadSeconds, prefill, decode);
    return 0;
}
