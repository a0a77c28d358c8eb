// Guessing ahead changes no answer and costs next to nothing; what callers may do to each token.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/runtime/session.h"
#include "engine/runtime/speculation.h"
#include "models.h"
#include "tests/engine/core/requests.h"

namespace conclave::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::shared_ptr<const Model> load(const std::filesystem::path& file) {
    auto model = Model::load(file);
    EXPECT_TRUE(model) << model.error().detail;
    return *model;
}

std::unique_ptr<Session> sessionOn(const std::shared_ptr<const Model>& model,
                                   std::shared_ptr<const Model> draft = nullptr) {
    auto session = Session::create(model, {.nThreads = 1, .draft = std::move(draft)});
    EXPECT_TRUE(session) << session.error().detail;
    // What the clock says must not decide what is tested.
    dynamic_cast<RunningSession&>(**session).guessAlways();
    return std::move(*session);
}

/// A prompt that repeats itself, so that there is something to guess from.
std::vector<TokenId> repetitive(const Model& model, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<TokenId> phrase;
    for (int i = 0; i < 12; ++i) {
        phrase.push_back(
            static_cast<TokenId>(random() % static_cast<unsigned>(model.info().vocabularySize)));
    }
    std::vector<TokenId> tokens;
    for (int i = 0; i < 4; ++i) tokens.insert(tokens.end(), phrase.begin(), phrase.end());
    tokens.resize(tokens.size() - 5);
    return tokens;
}

/// The tokens with and without guessing, which must be the same; returns how many were guessed.
int expectNoDifference(Session& plain, Session& guessing, GenerateRequest request) {
    const auto expected = plain.generate(request);
    request.speculate = true;
    const auto answer = guessing.generate(request);
    EXPECT_TRUE(expected && answer);
    EXPECT_EQ(answer->tokens, expected->tokens);
    EXPECT_EQ(answer->text, expected->text);
    EXPECT_EQ(answer->reason, expected->reason);
    EXPECT_LE(answer->usage.guessedRight, answer->usage.guessedTokens);
    return answer->usage.guessedTokens;
}

TEST(Speculation, GreedyAnswersAreTheSameInEveryArchitecture) {
    int nGuessed = 0;
    for (const std::string name : {"deepseek2", "deepseek3", "llama-dense", "mixtral", "olmoe",
                                   "granitemoe", "gpt-oss", "gemma3", "qwen3moe", "llama4"}) {
        const auto model = load(test::parity(name + ".gguf"));
        const auto plain = sessionOn(model);
        const auto guessing = sessionOn(model);
        for (unsigned seed = 1; seed <= 3; ++seed) {
            nGuessed += expectNoDifference(*plain, *guessing,
                                           test::requestFor(repetitive(*model, seed), 0.0f, 1, 40));
        }
    }
    EXPECT_GT(nGuessed, 100);
}

TEST(Speculation, ASeedGivesTheSameTextWithAnySampler) {
    const auto model = load(test::chatModel("Q8_0"));
    const auto plain = sessionOn(model);
    const auto guessing = sessionOn(model);
    const ChatMessage message{"user",
                              "Answer from the sources. Cite them like [1].\n\n[1] Tray\nThe tray "
                              "holds 250 sheets of plain paper.\n\n[2] Keys\nThe spare keys are "
                              "kept by Marta Veldhuis in the office in Tallinn.\n\nQuestion: Who "
                              "keeps the spare keys?"};
    const auto prompt = model->tokenizeChat({&message, 1}).value();
    std::vector<SamplerSettings> all(5);
    all[1].mirostat = 2;
    all[2].dryMultiplier = 0.8f;
    all[3].repeatPenalty = 1.2f;
    all[3].penaltyWindow = -1;
    all[4].xtcProbability = 0.5f;
    int nGuessed = 0;
    for (SamplerSettings& settings : all) {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            GenerateRequest request = test::requestFor(prompt, 0.0f, 0, 60);
            request.sampling = settings;
            request.sampling.temperature = 0.9f;
            request.sampling.seed = seed;
            request.ignoreEndOfTurn = seed == 3;
            request.stop = {"Tallinn"};
            nGuessed += expectNoDifference(*plain, *guessing, request);
        }
    }
    EXPECT_GT(nGuessed, 0);
}

TEST(Speculation, EndsWhereAPlainAnswerEnds) {
    const auto model = load(test::parity("llama-dense.gguf"));
    const auto open = [&](int context) {
        auto session = Session::create(model, {.contextLength = context, .nThreads = 1}).value();
        dynamic_cast<RunningSession&>(*session).guessAlways();
        return session;
    };
    const auto prompt = repetitive(*model, 2);
    for (const int context : {60, 61, 64}) {
        const auto plain = open(context);
        const auto guessing = open(context);
        (void)expectNoDifference(*plain, *guessing, test::requestFor(prompt, 0.0f, 1, -1));
        EXPECT_LE(std::ssize(guessing->cachedTokens()), context);
    }
    for (int maxTokens = 0; maxTokens < 12; ++maxTokens) {
        const auto plain = open(128);
        const auto guessing = open(128);
        (void)expectNoDifference(*plain, *guessing, test::requestFor(prompt, 0.0f, 1, maxTokens));
        // What is left in the cache is right: the next answer starts from it.
        (void)expectNoDifference(*plain, *guessing, test::requestFor(prompt, 0.0f, 1, 20));
    }
}

/// Pearson's statistic of two samples over the tokens that occur at least ten times in both.
struct ChiSquare {
    double value = 0.0;
    int degrees = 0;

    /// Far above what chance gives: Wilson and Hilferty's approximation at 5 standard deviations.
    [[nodiscard]] bool isDifferent() const {
        const double k = std::max(degrees, 1);
        const double spread = 2.0 / (9.0 * k);
        return value > k * std::pow(1.0 - spread + 5.0 * std::sqrt(spread), 3.0);
    }
};

ChiSquare compare(const std::map<TokenId, int>& a, const std::map<TokenId, int>& b) {
    std::map<TokenId, std::pair<int, int>> cells;
    const auto countOf = [](const std::map<TokenId, int>& counts, TokenId token) {
        const auto found = counts.find(token);
        return found == counts.end() ? 0 : found->second;
    };
    const auto add = [&](const std::map<TokenId, int>& counts) {
        for (const auto& [token, count] : counts) {
            const bool isCommon = countOf(a, token) + countOf(b, token) >= 20;
            cells[isCommon ? token : -1] = {};
        }
    };
    add(a);
    add(b);
    for (const auto& [token, count] : a) cells[cells.contains(token) ? token : -1].first += count;
    for (const auto& [token, count] : b) cells[cells.contains(token) ? token : -1].second += count;
    const auto sum = [](const std::map<TokenId, int>& counts) {
        return std::accumulate(counts.begin(), counts.end(), 0.0,
                               [](double total, const auto& each) { return total + each.second; });
    };
    const double ratio = std::sqrt(sum(b) / sum(a));
    ChiSquare result;
    for (const auto& [token, counts] : cells) {
        const double difference = counts.first * ratio - counts.second / ratio;
        result.value += difference * difference / (counts.first + counts.second);
        ++result.degrees;
    }
    --result.degrees;
    return result;
}

TEST(Speculation, LeavesTheDistributionOfSampledTokensAlone) {
    const auto model = load(test::parity("llama-dense.gguf"));
    const auto prompt = repetitive(*model, 5);
    int nGuessed = 0;
    const auto draw = [&](bool speculate, float temperature, std::uint64_t firstSeed) {
        std::map<TokenId, int> counts;
        const auto session = sessionOn(model);
        for (std::uint64_t seed = firstSeed; seed < firstSeed + 700; ++seed) {
            GenerateRequest request = test::requestFor(prompt, temperature, seed, 6);
            request.sampling.topK = 12;
            request.speculate = speculate;
            const auto answer = session->generate(request);
            // The later tokens, where guesses have been checked; each counts once.
            for (std::size_t i = 2; i < answer->tokens.size(); ++i) ++counts[answer->tokens[i]];
            nGuessed += answer->usage.guessedTokens;
        }
        return counts;
    };
    const auto plain = draw(false, 0.8f, 1);
    EXPECT_EQ(nGuessed, 0);
    const auto guessed = draw(true, 0.8f, 100001);
    EXPECT_GT(nGuessed, 0);
    const ChiSquare same = compare(plain, guessed);
    EXPECT_GT(same.degrees, 10);
    EXPECT_FALSE(same.isDifferent()) << same.value << " with " << same.degrees;
    // The test sees a difference where there is one.
    const ChiSquare other = compare(plain, draw(true, 1.6f, 200001));
    EXPECT_TRUE(other.isDifferent()) << other.value << " with " << other.degrees;
}

TEST(Speculation, ADraftModelChangesNothing) {
    const auto model = load(test::parity("llama-dense.gguf"));
    const auto plain = sessionOn(model);
    // The same weights guess as well as can be.
    const auto guessing = sessionOn(model, load(test::parity("llama-dense.gguf")));
    int nGuessed = 0;
    for (unsigned seed = 1; seed <= 4; ++seed) {
        const float temperature = seed % 2 == 0 ? 0.0f : 0.8f;
        nGuessed += expectNoDifference(
            *plain, *guessing, test::requestFor(repetitive(*model, seed), temperature, seed, 40));
    }
    EXPECT_GT(nGuessed, 0);
    const auto other = Session::create(load(test::chatModel("Q8_0")), {.draft = model});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(other.error().detail, testing::HasSubstr("vocabularies differ"));
}

TEST(TextGuesser, ContinuesTheLongestAndLatestMatch) {
    TextGuesser guesser;
    const auto found = [&](int nMost) {
        const auto tokens = guesser.find(nMost).tokens;
        return std::vector(tokens.begin(), tokens.end());
    };
    const std::vector<TokenId> text = {1, 2, 3, 4, 9, 2, 3, 5, 8, 1, 2, 3};
    guesser.follow(text);
    EXPECT_THAT(found(3), ElementsAre(4, 9, 2)) << "1 2 3 matches longer than 2 3";
    EXPECT_EQ(guesser.find(3).evidence, 1);
    for (const TokenId token : {9, 9, 2, 3}) guesser.add(token);
    EXPECT_THAT(found(2), ElementsAre(5, 8)) << "9 2 3";
    guesser.add(77);
    EXPECT_THAT(found(5), IsEmpty());
    guesser.follow(std::vector<TokenId>{5, 6, 5, 6});
    EXPECT_THAT(found(9), ElementsAre(5, 6)) << "a new text; all that there is";
    guesser.follow({});
    EXPECT_THAT(found(5), IsEmpty());
}

TEST(TextGuesser, FindsWhatASearchOfTheWholeTextFinds) {
    std::mt19937 random(11);
    TextGuesser guesser;
    std::vector<TokenId> text;
    for (int i = 0; i < 4000; ++i) {
        // Few tokens, so that pairs come again, and some far apart, so that chains are shared.
        text.push_back(static_cast<TokenId>(random() % 60 * 977));
        guesser.add(text.back());
        std::size_t longest = 1;
        std::size_t place = 0;
        int nPlaces = 0;
        for (std::size_t end = text.size() - 1; end >= 2; --end) {
            std::size_t n = 0;
            while (n < std::min<std::size_t>(16, end) &&
                   text[end - 1 - n] == text[text.size() - 1 - n]) {
                ++n;
            }
            if (n >= 2) ++nPlaces;
            if (n > longest) {
                longest = n;
                place = end;
            }
        }
        const auto found = guesser.find(3);
        ASSERT_EQ(found.tokens.empty(), longest < 2) << i;
        if (nPlaces > 8 || found.tokens.empty()) continue;  // the latest ones are looked at
        ASSERT_EQ(found.tokens.data()[0], text[place]) << i;
    }
}

/// What gates make of a text whose guesses are right with some chance, in tokens' times beyond
/// what it takes one by one.
double lostTokens(double cost, double chance, int nTokens, SpeculationGate gate = {}) {
    using Seconds = SpeculationGate::Seconds;
    const Seconds token(0.01);
    std::mt19937 random(3);
    std::bernoulli_distribution isRight(chance);
    double total = 0.0;
    for (int n = 0; n < nTokens;) {
        const int nGuessed = gate.choose(2, 8);
        if (nGuessed == 0) {
            gate.countPlain(token);
            gate.countUnmade(2, isRight(random));
            total += 1.0;
            ++n;
            continue;
        }
        int nRight = 0;
        while (nRight < nGuessed && isRight(random)) ++nRight;
        const double taken = 1.0 + cost * nGuessed;
        gate.countGuessed(2, nGuessed, nRight, token * taken);
        total += taken;
        n += 1 + nRight;
    }
    return total - nTokens;
}

TEST(SpeculationGate, LosesLittleOnAnyTextAndWinsOnAnEasyOne) {
    for (const int nTokens : {20, 50, 100, 500, 3000}) {
        for (const double cost : {0.05, 0.3, 0.7, 1.0}) {
            for (const double chance : {0.0, 0.1, 0.5, 0.8, 0.95}) {
                // Beyond what the purse has, a pass may cost more than was expected.
                const double worst = 0.015 * nTokens + 8 * cost;
                EXPECT_LE(lostTokens(cost, chance, nTokens), std::max(worst, 0.0))
                    << nTokens << " " << cost << " " << chance;
            }
        }
    }
    for (const double cost : {0.3, 0.7, 1.0}) {
        for (const double chance : {0.0, 0.3, 0.5}) {
            EXPECT_LE(lostTokens(cost, chance, 3000), 60.0) << "2 % " << cost << " " << chance;
        }
    }
    EXPECT_LT(lostTokens(0.3, 0.95, 3000), -1000.0);
    EXPECT_LT(lostTokens(0.05, 0.9, 3000), -1500.0);
    EXPECT_LT(lostTokens(0.7, 0.97, 3000), -200.0);
}

TEST(SpeculationGate, LearnsFromGuessesThatWereNotMade) {
    SpeculationGate gate;
    for (int i = 0; i < 300; ++i) {
        gate.countPlain(SpeculationGate::Seconds(0.01));
        gate.countUnmade(3, false);
        EXPECT_EQ(gate.choose(3, 8), 0) << "the purse is empty, then the experience bad";
    }
    EXPECT_DOUBLE_EQ(gate.tokensToLose(), 2.0);
    for (int i = 0; i < 40; ++i) gate.countUnmade(3, true);
    EXPECT_GT(gate.choose(3, 8), 0);
}

// ------------------------------------------------------------------------------- filter, logprobs

/// Lets only multiples of a number pass, and at most so many tokens.
class MultiplesOnly final : public TokenFilter {
public:
    MultiplesOnly(TokenId of, std::size_t nMost) : m_of(of), m_nMost(nMost) {}

    void restrict(std::span<float> logits) override {
        for (std::size_t i = 0; i < logits.size(); ++i) {
            const bool passes = static_cast<TokenId>(i) % m_of == 0 && accepted.size() < m_nMost;
            if (!passes) logits[i] = -std::numeric_limits<float>::infinity();
        }
    }
    void accept(TokenId token) override { accepted.push_back(token); }

    std::vector<TokenId> accepted;

private:
    TokenId m_of;
    std::size_t m_nMost;
};

TEST(TokenFilter, LetsOnlyThroughWhatItAllows) {
    const auto model = load(test::parity("llama-dense.gguf"));
    for (const bool speculate : {false, true}) {
        for (const float temperature : {0.0f, 1.5f}) {
            const auto session = sessionOn(model);
            MultiplesOnly filter(7, 30);
            GenerateRequest request = test::requestFor(repetitive(*model, 1), temperature, 9, 1000);
            request.filter = &filter;
            request.speculate = speculate;
            const auto answer = session->generate(request);
            ASSERT_TRUE(answer);
            EXPECT_EQ(answer->tokens.size(), 30U);
            EXPECT_EQ(answer->reason, FinishReason::EndOfTurn) << "nothing more may come";
            EXPECT_EQ(filter.accepted, answer->tokens) << "each once, in order";
            for (const TokenId token : answer->tokens) EXPECT_EQ(token % 7, 0);
        }
    }
}

TEST(Logprobs, AreTheModelsOwnBeforeSampling) {
    const auto model = load(test::parity("llama-dense.gguf"));
    const auto session = sessionOn(model);
    const auto prompt = repetitive(*model, 1);
    GenerateRequest request = test::requestFor(prompt, 1.3f, 4, 6);
    request.nLogprobs = 3;
    request.sampling.logitBias = {{5, 30.0f}};
    const auto answer = session->generate(request);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->logprobs.size(), 6U);
    std::vector<TokenId> all = prompt;
    all.insert(all.end(), answer->tokens.begin(), answer->tokens.end());
    const auto done = session->evaluate(all, [&](int position, std::span<const float> logits) {
        const auto at = static_cast<std::size_t>(position + 1);
        if (at < prompt.size() || at >= all.size()) return;
        const ChosenLogprobs& got = answer->logprobs[at - prompt.size()];
        const double largest = *std::max_element(logits.begin(), logits.end());
        double sum = 0.0;
        for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
        const auto expected = [&](TokenId token) {
            return static_cast<double>(logits[static_cast<std::size_t>(token)]) - largest -
                   std::log(sum);
        };
        EXPECT_EQ(got.chosen.token, all[at]);
        EXPECT_NEAR(got.chosen.logprob, expected(all[at]), 1e-5);
        ASSERT_EQ(got.likeliest.size(), 3U);
        EXPECT_NEAR(got.likeliest[0].logprob, -std::log(sum), 1e-5);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_NEAR(got.likeliest[i].logprob, expected(got.likeliest[i].token), 1e-5);
            if (i > 0) {
                EXPECT_GE(got.likeliest[i - 1].logprob, got.likeliest[i].logprob);
            }
        }
    });
    ASSERT_TRUE(done);
    request.sampling.xtcProbability = 7.0f;
    EXPECT_EQ(session->generate(request).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace conclave::engine
