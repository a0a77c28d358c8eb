#include "app/services/answerability.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "app/services/cpu_budget.h"
#include "base/threads.h"

namespace conclave::services {
namespace {

constexpr int kProbes = 100;               ///< that have an answer: they make the threshold
constexpr std::size_t kUnanswerable = 20;  ///< say how much it lets through, and change nothing
constexpr int kFewestChunks = 40;
constexpr std::size_t kWords = 6;         ///< of a probe
constexpr std::size_t kForeignWords = 3;  ///< of them from elsewhere in one that has an answer
constexpr double kRefused = 0.05;         ///< share of the probes with an answer
/// People's own words may be in no document at all, unlike those of a probe; measured on Cranfield,
/// CACM and CMRC 2018 (tests/answers/refusal).
constexpr double kMargin = 0.87;
constexpr int kThresholdVersion = 2;

/// Content words of a text as they stand there; of Chinese, pairs of characters.
std::vector<std::string> wordsOf(std::string_view text) {
    std::vector<std::string> words;
    std::set<std::string> seen;
    std::size_t end = 0;
    retrieval::analyze(text, [&](std::string_view, std::size_t start, std::size_t stop) {
        std::string word(text.substr(start, stop - start));
        constexpr std::size_t kOneCjkCharacter = 3;
        const bool isCjk = static_cast<unsigned char>(word.front()) >= 0xE3;
        if (start < end || (isCjk && word.size() <= kOneCjkCharacter)) return;
        if (!isCjk && word.size() < 3) return;
        end = stop;
        if (seen.insert(word).second) words.push_back(std::move(word));
    });
    std::erase_if(words, [](const std::string& word) {
        const std::vector<std::string> terms = retrieval::queryTerms(word + " zebrafinch");
        return terms.size() < 2;  // a stop word is dropped beside another word
    });
    return words;
}

struct Sample {
    std::vector<std::vector<std::string>> sentences;  ///< words of one sentence of each chunk
    std::vector<std::string> words;                   ///< of all of them
};

Result<Sample> sampleOf(storage::DocumentStore& store, CollectionId collection,
                        std::mt19937_64& random) {
    const auto documents = store.documents(collection);
    if (!documents) return tl::unexpected(documents.error());
    std::vector<DocumentId> withText;
    for (const Document& each : *documents) {
        if (each.nChunks > 0) withText.push_back(each.id);
    }
    std::shuffle(withText.begin(), withText.end(), random);
    Sample sample;
    const std::size_t nEach =
        withText.empty() ? 0 : (kProbes + withText.size() - 1) / withText.size();
    for (const DocumentId id : withText) {
        if (sample.sentences.size() >= static_cast<std::size_t>(kProbes)) break;
        auto chunks = store.chunksOf(id);
        if (!chunks) return tl::unexpected(chunks.error());
        std::shuffle(chunks->begin(), chunks->end(), random);
        std::size_t nTaken = 0;
        for (const Chunk& chunk : *chunks) {
            if (nTaken == nEach) break;
            const auto spans = retrieval::sentenceSpans(chunk.text);
            if (spans.empty()) continue;
            const auto& span = spans[random() % spans.size()];
            auto words = wordsOf(
                std::string_view(chunk.text).substr(span.startByte, span.endByte - span.startByte));
            if (words.size() < kWords) continue;
            ++nTaken;
            sample.words.insert(sample.words.end(), words.begin(), words.end());
            sample.sentences.push_back(std::move(words));
        }
    }
    return sample;
}

Result<double> scoreOf(Library& library, const std::string& query, CollectionId collection) {
    constexpr int kDepth = 8;
    const auto hits =
        library.search({.query = query, .collections = {collection}, .limit = kDepth});
    if (!hits) return tl::unexpected(hits.error());
    return library.answerability(query, *hits);
}

/// Of each probe, in order.
Result<std::vector<double>> scoresOf(Library& library, const std::vector<std::string>& probes,
                                     CollectionId collection, int nThreads) {
    std::vector<double> scores(probes.size());
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::optional<Error> failure;
    const auto work = [&] {
        for (std::size_t i = next++; i < probes.size(); i = next++) {
            const auto score = scoreOf(library, probes[i], collection);
            if (score) {
                scores[i] = *score;
                continue;
            }
            const std::lock_guard lock(mutex);
            failure = score.error();
            next = probes.size();
        }
    };
    {
        std::vector<std::jthread> helpers;
        const auto help = [&] {
            const CpuBudget polite(100, nThreads);
            work();
        };
        startThreads(helpers, nThreads - 1, [&](int) { return help; });
        work();
    }
    if (failure) return tl::unexpected(*failure);
    return scores;
}

std::string joinedWords(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
    return text;
}

double shareBelow(const std::vector<double>& sorted, double threshold) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), threshold);
    return static_cast<double>(at - sorted.begin()) / static_cast<double>(sorted.size());
}

std::string keyOf(CollectionId collection) {
    return "answer.threshold." + std::to_string(collection);
}

}  // namespace

Result<std::optional<AnswerThreshold>> learnThreshold(storage::DocumentStore& store,
                                                      Library& library, CollectionId collection,
                                                      int nThreads) {
    std::optional<AnswerThreshold> none;
    std::mt19937_64 random(static_cast<std::uint64_t>(collection));
    const auto sample = sampleOf(store, collection, random);
    if (!sample) return tl::unexpected(sample.error());
    constexpr std::size_t kFewestProbes = 30;
    if (sample->sentences.size() < kFewestProbes) return none;
    std::vector<std::string> probes;  // those with an answer, then the others
    std::vector<std::string> unanswerable;
    for (std::vector<std::string> words : sample->sentences) {
        const auto elsewhere = [&] { return sample->words[random() % sample->words.size()]; };
        std::shuffle(words.begin(), words.end(), random);
        words.resize(kWords);
        for (std::size_t i = 0; i < kForeignWords; ++i) words[i] = elsewhere();
        probes.push_back(joinedWords(words));
        if (unanswerable.size() == kUnanswerable) continue;
        for (std::string& word : words) word = elsewhere();
        unanswerable.push_back(joinedWords(words));
    }
    const std::size_t nAnswered = probes.size();
    probes.insert(probes.end(), unanswerable.begin(), unanswerable.end());
    auto scores = scoresOf(library, probes, collection, nThreads);
    if (!scores) return tl::unexpected(scores.error());
    std::vector<double> unanswered(scores->begin() + static_cast<std::ptrdiff_t>(nAnswered),
                                   scores->end());
    std::vector<double> answered = std::move(*scores);
    answered.resize(nAnswered);
    std::sort(answered.begin(), answered.end());
    std::sort(unanswered.begin(), unanswered.end());
    AnswerThreshold best;
    best.nProbes = static_cast<int>(answered.size());
    const auto at = static_cast<std::size_t>(kRefused * static_cast<double>(answered.size()));
    best.least = kMargin * answered[at];
    best.falseRefusals = shareBelow(answered, best.least);
    best.falseAnswers = 1.0 - shareBelow(unanswered, best.least);
    return std::optional<AnswerThreshold>(best);
}

Result<void> keepThreshold(storage::Database& database, Library& library,
                           const Collection& collection, int nThreads) {
    if (collection.nChunks < kFewestChunks) return {};
    const auto kept = database.settings().get(keyOf(collection.id));
    if (!kept) return tl::unexpected(kept.error());
    const std::string pipeline = library.pipelineId() + "/" + std::to_string(kThresholdVersion);
    if (kept->has_value() && (*kept)->is_object() &&
        (*kept)->value("pipeline", std::string()) == pipeline) {
        const int nBefore = (*kept)->value("chunks", 0);
        if (10 * std::abs(collection.nChunks - nBefore) < collection.nChunks) return {};
    }
    const auto learned = learnThreshold(database.documents(), library, collection.id, nThreads);
    if (!learned) return tl::unexpected(learned.error());
    const AnswerThreshold threshold = learned->value_or(AnswerThreshold{});
    return database.settings().set(keyOf(collection.id),
                                   {{"least", threshold.least},
                                    {"false_refusals", threshold.falseRefusals},
                                    {"false_answers", threshold.falseAnswers},
                                    {"probes", threshold.nProbes},
                                    {"chunks", collection.nChunks},
                                    {"pipeline", pipeline}});
}

Result<double> thresholdOf(storage::Database& database, std::span<const CollectionId> collections) {
    double least = 1.0;
    for (const CollectionId collection : collections) {
        const auto kept = database.settings().get(keyOf(collection));
        if (!kept) return tl::unexpected(kept.error());
        const bool isKnown = kept->has_value() && (*kept)->is_object();
        least = std::min(least, isKnown ? (*kept)->value("least", 0.0) : 0.0);
    }
    return collections.empty() ? 0.0 : least;
}

}  // namespace conclave::services
