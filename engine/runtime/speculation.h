// speculation.h: guesses what comes next, and whether guessing is worth its time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
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
/// quote them, and code repeats names.
class TextGuesser {
public:
    /// Reads what follows the text seen so far; a text that does not continue it is read anew.
    void follow(std::span<const TokenId> text);

    /// Up to `nMost` tokens that may follow the text; none if its last two stood nowhere before.
    [[nodiscard]] Guess guess(int nMost) const;

private:
    std::vector<TokenId> m_text;
    /// Positions after a pair of tokens, latest last.
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> m_after;
};

/// Decides how many tokens to guess, from what guesses have cost and brought so far.
///
/// Every pass of guesses is charged with its time beyond what its tokens would have taken one by
/// one. A pass is allowed only while the sum of these charges, with the worst that the pass can
/// add, stays below 1.5 % of the time decoded so far and the time of two tokens: so passes never
/// lose more than that, whatever the text is like. Looking for guesses, some 2 microseconds a
/// token, is part of a plain step's time and not charged: only a very small model feels it.
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
    [[nodiscard]] double tokensToLose() const;

    /// From now on all that is offered is guessed, whatever it costs: for tests.
    void open() { m_isOpen = true; }

    /// A step of one token took this long.
    void countPlain(Seconds time);
    /// A pass with `nGuessed` guesses of which the first `nRight` were right.
    void countGuessed(int evidence, int nGuessed, int nRight, Seconds time);

    /// Time lost so far (negative: won).
    [[nodiscard]] Seconds lost() const { return m_lost; }

private:
    /// Of a pass beyond one token's time, in tokens' times.
    [[nodiscard]] double extraCost(int evidence, int nGuesses) const;
    [[nodiscard]] Seconds allowed() const;
    [[nodiscard]] static std::size_t sourceOf(int evidence);

    bool m_isOpen = false;
    int m_nPlain = 0;
    Seconds m_plain{};  ///< one token's time, running average
    Seconds m_total{};
    Seconds m_lost{};
    /// In tokens' times, running average by source: text, draft, prediction layer.
    std::array<double, 3> m_costPerGuess = {0.3, 0.3, 0.3};
    /// Chance that a further guess is right, running average by evidence.
    std::array<double, kEvidences> m_chance = {0.2, 0.4, 0.7, 0.85, 0.6, 0.7};
};

}  // namespace conclave::engine
