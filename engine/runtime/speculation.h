// speculation.h: guesses what comes next, and whether guessing is worth its time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace conclave::engine {

/// Most tokens that are guessed at a time.
inline constexpr int kMaxGuesses = 15;

/// A guess, and how much speaks for it: the class of SpeculationGate's experience it belongs to.
struct Guess {
    std::vector<TokenId> tokens;
    int evidence = 0;
};

/// Finds where the end of a text stood before, and guesses that it goes on as it did there
/// (prompt lookup decoding, github.com/apoorvumang/prompt-lookup-decoding). Answers from documents
/// quote them, and code repeats names. A token costs it some ten nanoseconds.
class TextGuesser {
public:
    TextGuesser();

    /// Reads a text from its beginning; what it shares with the one before is known already.
    void follow(std::span<const TokenId> text);
    /// The text goes on.
    void add(TokenId token);

    /// What may follow the text: tokens of the text itself, valid until it changes; none if its
    /// last two stood nowhere before.
    struct Found {
        std::span<const TokenId> tokens;
        int evidence = 0;
    };
    [[nodiscard]] Found find(int nMost) const;

private:
    void clear();

    std::vector<TokenId> m_text;
    /// Chains of positions behind pairs of tokens of one hash, latest first: m_last has the first
    /// of each, and m_before[i] what comes after position i; -1 at the end.
    std::vector<std::int32_t> m_last;
    std::vector<std::int32_t> m_before;
};

/// Decides how many tokens to guess, from what guesses have cost and brought so far, and from
/// whether those that were not made would have been right.
///
/// A pass of guesses is charged with its time beyond what its tokens would have taken one by one,
/// to a purse that gets 1.5 % of the time decoded and what passes win, begins empty, and holds
/// two tokens' time. A pass is allowed only while the purse has the cost of all its guesses being
/// wrong: so over any stretch of text they lose at most 1.5 % and two tokens' time, whatever the
/// text is like.
class SpeculationGate {
public:
    using Seconds = std::chrono::duration<double>;
    /// Classes of guesses: those of TextGuesser come first.
    static constexpr int kDraftEvidence = 4;
    static constexpr int kPredictionEvidence = 5;
    static constexpr int kEvidences = 6;

    /// @param nOffered  tokens that could be guessed
    /// @returns how many to guess: 0 to nOffered
    [[nodiscard]] int choose(int evidence, int nOffered);

    /// How many tokens' time may be lost now.
    [[nodiscard]] double tokensToLose() const { return m_purse; }

    /// From now on all that is offered is guessed, whatever it costs: for tests.
    void open() { m_isOpen = true; }
    [[nodiscard]] bool isOpen() const { return m_isOpen; }

    /// Whether the next step's time is wanted: reading a clock takes a share of a small model's
    /// step, so most steps are believed to take what others do.
    [[nodiscard]] bool wantsTime() const;
    /// A step of one token took this long; without a time, what is usual.
    void countPlain(Seconds time);
    void countPlain();
    /// A pass with `nGuessed` guesses of which the first `nRight` were right.
    void countGuessed(int evidence, int nGuessed, int nRight, Seconds time);
    /// The first token of a guess that was not made.
    void countUnmade(int evidence, bool wasRight);

private:
    /// Of a pass beyond one token's time, in tokens' times.
    [[nodiscard]] double extraCost(int evidence, int nGuesses) const;
    void pay(double tokens);
    void learn(int evidence, bool wasRight);
    [[nodiscard]] static std::size_t sourceOf(int evidence);

    bool m_isOpen = false;
    std::uint64_t m_nPlain = 0;
    Seconds m_plain{};     ///< one token's time, running average
    double m_purse = 0.0;  ///< in tokens' times
    /// In tokens' times, running average by source: text, draft, prediction layer. Two tokens take
    /// some 1.6 times a token's time in models with experts, since they seldom choose the same.
    std::array<double, 3> m_costPerGuess = {0.6, 0.6, 0.6};
    /// Chance that a further guess is right, running average by evidence.
    std::array<double, kEvidences> m_chance = {0.2, 0.4, 0.7, 0.85, 0.7, 0.7};
};

}  // namespace conclave::engine
