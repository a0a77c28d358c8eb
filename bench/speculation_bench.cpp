// speculation_bench.cpp: what guessing from repeated text costs and brings, in own processor time.
//
//   speculation_bench MODEL.gguf TRANSCRIPTS.jsonl THREADS ROUNDS [forced]
//
// A line of TRANSCRIPTS has "prompt_tokens" and "greedy_tokens", as tests/golden/engine/
// transcripts-Q8_0.jsonl. Each prompt is answered plainly and with guesses in turns, from a cached
// prompt; only decoding is measured. `forced` makes the model write "greedy_tokens" whatever its
// logits say, so that random weights in the shapes of a real model tell what real answers would
// take. A prediction layer guesses, too, where the model has one. Prints the median over rounds of
// the ratio of both sums, and the first round's, in which nothing was known yet.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/engine.h"

namespace {

using conclave::engine::GenerateRequest;
using conclave::engine::Model;
using conclave::engine::Session;
using conclave::engine::TokenFilter;
using conclave::engine::TokenId;

[[noreturn]] void stop(const std::string& why) {
    std::fprintf(stderr, "speculation_bench: %s\n", why.c_str());
    std::exit(1);
}

double ownMicroseconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

/// Lets one text through and nothing else.
class Forced final : public TokenFilter {
public:
    explicit Forced(const std::vector<TokenId>& text) : m_text(text) {}

    void restrict(std::span<float> logits) override {
        std::ranges::fill(logits, -std::numeric_limits<float>::infinity());
        if (m_at < m_text.size()) logits[static_cast<std::size_t>(m_text[m_at])] = 0.0f;
    }
    void accept(TokenId /*token*/) override { ++m_at; }

private:
    const std::vector<TokenId>& m_text;
    std::size_t m_at = 0;
};

struct Transcript {
    std::vector<TokenId> prompt, answer;
};

std::vector<Transcript> readTranscripts(const char* path) {
    std::ifstream file(path);
    std::vector<Transcript> all;
    for (std::string line; std::getline(file, line);) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (!json.contains("prompt_tokens") || !json.contains("greedy_tokens")) {
            stop(std::string(path) + " has a line that is no transcript");
        }
        all.push_back({json["prompt_tokens"], json["greedy_tokens"]});
    }
    if (all.empty()) stop(std::string("no transcripts in ") + path);
    return all;
}

struct Sums {
    double time = 0.0;
    int nTokens = 0;
    int nGuessed = 0;
    int nRight = 0;
};

void answer(Session& session, const Transcript& transcript, bool isForced, bool speculates,
            Sums& sums) {
    Forced filter(transcript.answer);
    GenerateRequest request;
    request.prompt = transcript.prompt;
    request.sampling.temperature = 0.0f;
    request.maxTokens = isForced ? static_cast<int>(transcript.answer.size()) : 200;
    request.ignoreEndOfTurn = isForced;
    request.speculate = speculates;
    if (isForced) request.filter = &filter;
    double start = 0.0;
    request.onPrefill = [&](int done, int total) {
        if (done == total) start = ownMicroseconds();
    };
    const auto result = session.generate(request);
    if (!result) stop(result.error().detail);
    sums.time += ownMicroseconds() - start;
    sums.nTokens += result->usage.completionTokens;
    sums.nGuessed += result->usage.guessedTokens;
    sums.nRight += result->usage.guessedRight;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) stop("give MODEL.gguf TRANSCRIPTS.jsonl THREADS ROUNDS [forced]");
    const auto transcripts = readTranscripts(argv[2]);
    const bool isForced = argc > 5;
    const auto model = Model::load(argv[1], conclave::engine::LoadOptions{.predicts = true});
    if (!model) stop(model.error().detail);
    (*model)->settle();
    const auto session = Session::create(*model, {.nThreads = std::atoi(argv[3])});
    if (!session) stop(session.error().detail);
    std::vector<double> ratios;
    Sums plainSums;
    Sums guessedSums;
    for (int round = 0; round < std::atoi(argv[4]); ++round) {
        Sums plain;
        Sums guessed;
        for (const Transcript& each : transcripts) {
            Sums unused;
            answer(**session, each, isForced, false, unused);  // the prompt, into the cache
            const bool first = round % 2 == 0;
            answer(**session, each, isForced, first, first ? guessed : plain);
            answer(**session, each, isForced, !first, first ? plain : guessed);
        }
        ratios.push_back(guessed.time / plain.time);
        if (round == 0) {
            std::printf("first round: %.3f, %d of %d guesses right\n", ratios[0], guessed.nRight,
                        guessed.nGuessed);
        }
        plainSums.time += plain.time;
        plainSums.nTokens += plain.nTokens;
        guessedSums.nGuessed += guessed.nGuessed;
        guessedSums.nRight += guessed.nRight;
    }
    std::ranges::sort(ratios);
    std::printf(
        "%.1f us a token; with guesses %.4f of it (median of %zu rounds, quartiles %.4f to "
        "%.4f), %d of %d guesses right, %d tokens\n",
        plainSums.time / plainSums.nTokens, ratios[ratios.size() / 2], ratios.size(),
        ratios[ratios.size() / 4], ratios[ratios.size() * 3 / 4], guessedSums.nRight,
        guessedSums.nGuessed, plainSums.nTokens);
}
