// engine_runner.cpp: what `conclave bench` does not measure: a whole answer, from the first moment
// of the program, and speed deep in a context, in one walk through it.
//
//   engine_runner MODEL.gguf THREADS answer N_PROMPT N_ANSWER
//   engine_runner MODEL.gguf THREADS deep N_BEFORE N_PREFILL N_DECODE
//   engine_runner MODEL.gguf THREADS first N_PROMPT N_ANSWER
//
// THREADS 0: automatic. Prints one JSON line, as peer_runner does for llama.cpp; bench/answer_time
// and bench/compare_peers run both. `answer`: seconds to the first token and to the last, of a
// question that includes loading (cold), then of another with nothing in common (warm). `deep`:
// tokens a second of prefill behind N_BEFORE tokens, and of decode behind all of them. `first`:
// what the first answer after a load takes, while its weights are still being packed: milliseconds
// until the model is loaded, until its first token, and until all is packed; the processor time
// that the answering threads took until the first token; tokens a second of the answer and of the
// same answer once all is packed; most memory, beside the file's size. Prompts are tokens without
// meaning.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "bench/runner_tools.h"
#include "engine/engine.h"

namespace {

using conclave::bench::Clock;
using conclave::engine::GenerateResult;
using conclave::engine::Model;
using conclave::engine::Session;
using conclave::engine::TokenId;

using conclave::bench::ownCpuSeconds;
using conclave::bench::residentMebibytes;
using conclave::bench::secondsSince;
using conclave::bench::someTokens;

[[noreturn]] void stop(const std::string& why) {
    std::fprintf(stderr, "engine_runner: %s\n", why.c_str());
    std::exit(1);
}

struct Engine {
    Engine(const char* path, int nThreads, int contextLength) {
        auto loaded = Model::load(path);
        if (!loaded) stop(loaded.error().detail);
        model = std::move(*loaded);
        auto made = Session::create(model, {.contextLength = contextLength, .nThreads = nThreads});
        if (!made) stop(made.error().detail);
        session = std::move(*made);
    }

    GenerateResult generate(int nPrompt, int nAnswer, std::uint32_t seed = 1) const {
        conclave::engine::GenerateRequest request;
        request.prompt = someTokens(nPrompt, model->info().vocabularySize, seed);
        request.sampling.temperature = 0.0f;
        request.maxTokens = nAnswer;
        request.ignoreEndOfTurn = true;
        auto result = session->generate(request);
        if (!result) stop(result.error().detail);
        return std::move(*result);
    }

    std::shared_ptr<const Model> model;
    std::unique_ptr<Session> session;
};

void answerTwice(const char* path, int nThreads, int nPrompt, int nAnswer) {
    Clock::time_point begun = Clock::now();
    const double cpuBefore = ownCpuSeconds();
    const Engine engine(path, nThreads, nPrompt + nAnswer + 8);
    for (const char* name : {"cold", "warm"}) {
        const bool isWarm = std::string(name) == "warm";
        if (isWarm) {
            engine.model->settle();
            engine.session->clear();
            begun = Clock::now();
        }
        const double asked = secondsSince(begun);
        const auto result = engine.generate(nPrompt, nAnswer, isWarm ? 2 : 1);
        const std::chrono::duration<double> first = result.usage.timeToFirstToken;
        std::printf("%s\"%s\":[%.3f,%.3f]", isWarm ? "," : "{", name, asked + first.count(),
                    secondsSince(begun));
    }
    std::printf(",\"cpu_s\":%.3f}\n", ownCpuSeconds() - cpuBefore);
}

void deep(const char* path, int nThreads, int nBefore, int nPrefill, int nDecode) {
    const Clock::time_point begun = Clock::now();
    const int depth = nBefore + nPrefill;
    const Engine engine(path, nThreads, depth + nDecode + 8);
    const double loadSeconds = secondsSince(begun);
    engine.model->settle();
    const auto counted = [&](int nPrompt, int nAnswer, double& cores) {
        const double cpu = ownCpuSeconds();
        const Clock::time_point start = Clock::now();
        auto result = engine.generate(nPrompt, nAnswer);
        cores = (ownCpuSeconds() - cpu) / secondsSince(start);
        return result;
    };
    engine.generate(nBefore, 1);
    double prefillCores = 0.0;
    const double prefill = counted(depth, 1, prefillCores).usage.prefillSpeed();
    double decodeCores = 0.0;
    const double decode = counted(depth + 1, nDecode + 1, decodeCores).usage.decodeSpeed();
    std::printf(
        "{\"load_ms\":%.1f,\"rss_mib\":%.1f,\"isa\":\"%s\",\"prefill_tps\":[%.3f],"
        "\"prefill_cores\":[%.3f],\"decode_tps\":[%.3f],\"decode_cores\":[%.3f]}\n",
        loadSeconds * 1e3, residentMebibytes(),
        std::string(conclave::engine::kernelSetName()).c_str(), prefill, prefillCores, decode,
        decodeCores);
}

/// Seconds that the threads of usual priority ran so far; those that pack give way.
double usualThreadsSeconds() {
    double seconds = 0.0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream stat(task.path() / "stat");
        std::string word;
        constexpr int kNiceness = 19;  // of proc(5); the name of our threads has no spaces
        for (int i = 0; i < kNiceness; ++i) stat >> word;
        double nanoseconds = 0.0;
        std::ifstream(task.path() / "schedstat") >> nanoseconds;
        if (word == "0") seconds += nanoseconds / 1e9;
    }
    return seconds;
}

double mostMebibytes() {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;) {
        double kibibytes = 0.0;
        if (word == "VmHWM:" && file >> kibibytes) return kibibytes / 1024.0;
    }
    return 0.0;
}

void first(const char* path, int nThreads, int nPrompt, int nAnswer) {
    const Clock::time_point begun = Clock::now();
    const Engine engine(path, nThreads, nPrompt + nAnswer + 8);
    const double loaded = secondsSince(begun);
    const double before = usualThreadsSeconds();
    engine.generate(nPrompt, 1);
    const double token = secondsSince(begun);
    const double cpu = usualThreadsSeconds() - before;
    const double early = engine.generate(nPrompt, nAnswer).usage.decodeSpeed();
    const double answered = secondsSince(begun);
    engine.model->settle();
    const double settled = secondsSince(begun);
    const double late = engine.generate(nPrompt, nAnswer).usage.decodeSpeed();
    std::printf(
        "{\"load_ms\":%.1f,\"first_token_ms\":%.1f,\"first_token_cpu_ms\":%.1f,"
        "\"answered_ms\":%.1f,\"settled_ms\":%.1f,\"first_decode_tps\":%.2f,"
        "\"settled_decode_tps\":%.2f,\"most_mib\":%.1f,\"file_mib\":%.1f}\n",
        loaded * 1e3, token * 1e3, cpu * 1e3, answered * 1e3, settled * 1e3, early, late,
        mostMebibytes(), static_cast<double>(std::filesystem::file_size(path)) / (1 << 20));
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 3 ? argv[3] : "";
    if (mode == "answer" && argc == 6) {
        answerTwice(argv[1], std::atoi(argv[2]), std::atoi(argv[4]), std::atoi(argv[5]));
    } else if (mode == "first" && argc == 6) {
        first(argv[1], std::atoi(argv[2]), std::atoi(argv[4]), std::atoi(argv[5]));
    } else if (mode == "deep" && argc == 7) {
        deep(argv[1], std::atoi(argv[2]), std::atoi(argv[4]), std::atoi(argv[5]),
             std::atoi(argv[6]));
    } else {
        stop("expects other arguments, see the head of engine_runner.cpp");
    }
    return 0;
}
