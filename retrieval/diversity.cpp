// The best passages without saying everything twice.
#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

/// Hashes of neighbouring words, ascending and each once; of characters where words are not spaced.
std::vector<std::uint64_t> shinglesOf(std::string_view text) {
    constexpr std::uint64_t kStart = 14695981039346656037ULL;  // FNV-1a
    constexpr std::uint64_t kPrime = 1099511628211ULL;
    std::vector<std::uint64_t> shingles;
    std::uint64_t before = kStart;
    std::uint64_t word = kStart;
    const auto endWord = [&] {
        if (word == kStart) return;
        shingles.push_back((before * kPrime) ^ word);
        before = word;
        word = kStart;
    };
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool isAsciiWord = (byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z';
        if (isAsciiWord || (byte >= '0' && byte <= '9')) {
            word = (word ^ (isAsciiWord ? byte | 0x20U : byte)) * kPrime;
        } else if (byte >= 0x80) {
            if (byte >= 0xE0) endWord();  // a character of three bytes or more begins
            word = (word ^ byte) * kPrime;
        } else {
            endWord();
        }
    }
    endWord();
    std::sort(shingles.begin(), shingles.end());
    shingles.erase(std::unique(shingles.begin(), shingles.end()), shingles.end());
    return shingles;
}

bool areAlike(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
    const std::size_t larger = std::max(a.size(), b.size());
    if (10 * std::min(a.size(), b.size()) < 9 * larger || larger == 0) return false;
    std::size_t nShared = 0;
    for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
        if (*x == *y) {
            ++nShared;
            ++x;
            ++y;
        } else if (*x < *y) {
            ++x;
        } else {
            ++y;
        }
    }
    return 10 * nShared >= 9 * larger;
}

}  // namespace

std::vector<std::size_t> diversify(std::span<const RankedText> ranked, int mostOfDocument) {
    std::vector<std::size_t> first;
    std::vector<std::size_t> later;
    std::vector<std::size_t> copies;
    std::vector<std::vector<std::uint64_t>> told;
    std::unordered_map<DocumentId, int> nOfDocument;
    for (std::size_t i = 0; i < ranked.size(); ++i) {
        std::vector<std::uint64_t> shingles = shinglesOf(ranked[i].text);
        const bool isCopy = std::any_of(
            told.begin(), told.end(), [&](const auto& other) { return areAlike(shingles, other); });
        if (isCopy) {
            copies.push_back(i);
            continue;
        }
        told.push_back(std::move(shingles));
        (++nOfDocument[ranked[i].document] <= mostOfDocument ? first : later).push_back(i);
    }
    first.insert(first.end(), later.begin(), later.end());
    first.insert(first.end(), copies.begin(), copies.end());
    return first;
}

}  // namespace conclave::retrieval
