#include "engine/runtime/hash64.h"

#include <array>
#include <bit>
#include <cstring>

namespace conclave::engine {
namespace {

constexpr std::uint64_t kPrime1 = 11400714785074694791ULL;
constexpr std::uint64_t kPrime2 = 14029467366897019727ULL;
constexpr std::uint64_t kPrime3 = 1609587929392839161ULL;
constexpr std::uint64_t kPrime4 = 9650029242287828579ULL;
constexpr std::uint64_t kPrime5 = 2870177450012600261ULL;

template <typename Word>
std::uint64_t takeWord(std::span<const std::byte>& bytes) {
    Word word{};
    std::memcpy(&word, bytes.data(), sizeof(word));
    bytes = bytes.subspan(sizeof(word));
    return word;
}

std::uint64_t mixLane(std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * kPrime2, 31) * kPrime1;
}

}  // namespace

std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed) {
    const std::uint64_t size = bytes.size();
    std::uint64_t hash = seed + kPrime5;
    constexpr std::size_t kStripe = 32;
    if (size >= kStripe) {
        std::array<std::uint64_t, 4> lanes = {seed + kPrime1 + kPrime2, seed + kPrime2, seed,
                                              seed - kPrime1};
        while (bytes.size() >= kStripe) {
            for (std::uint64_t& lane : lanes) lane = mixLane(lane, takeWord<std::uint64_t>(bytes));
        }
        hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
               std::rotl(lanes[3], 18);
        for (const std::uint64_t lane : lanes) {
            hash = (hash ^ mixLane(0, lane)) * kPrime1 + kPrime4;
        }
    }
    hash += size;
    while (bytes.size() >= sizeof(std::uint64_t)) {
        hash ^= mixLane(0, takeWord<std::uint64_t>(bytes));
        hash = std::rotl(hash, 27) * kPrime1 + kPrime4;
    }
    if (bytes.size() >= sizeof(std::uint32_t)) {
        hash ^= takeWord<std::uint32_t>(bytes) * kPrime1;
        hash = std::rotl(hash, 23) * kPrime2 + kPrime3;
    }
    while (!bytes.empty()) {
        hash ^= takeWord<std::uint8_t>(bytes) * kPrime5;
        hash = std::rotl(hash, 11) * kPrime1;
    }
    hash = (hash ^ (hash >> 33u)) * kPrime2;
    hash = (hash ^ (hash >> 29u)) * kPrime3;
    return hash ^ (hash >> 32u);
}

}  // namespace conclave::engine
