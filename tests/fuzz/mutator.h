// mutator.h: damages good input in the ways that readers trip over, the same way for the same seed.
//
//   Mutator mutator(number);
//   reader(mutator.mutate(goodFile));
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::test {

/// How many inputs a campaign tries: CONCLAVE_MUTATIONS, else `otherwise`.
[[nodiscard]] inline int campaignSize(int otherwise) {
    const char* asked = std::getenv("CONCLAVE_MUTATIONS");
    return asked != nullptr ? std::max(1, std::atoi(asked)) : otherwise;
}

/// One damaged input must not hold its reader longer than this, sanitizers included.
inline constexpr std::chrono::seconds kHangLimit{20};

class Mutator {
public:
    /// `words`: pieces that mean something to the reader, put in now and then.
    explicit Mutator(std::uint64_t seed, std::vector<std::string> words = {})
        : m_random(seed), m_words(std::move(words)) {}

    /// One to four changes. `focus`: most of them fall into that many first bytes (0: anywhere).
    [[nodiscard]] std::string mutate(std::string_view good, std::size_t focus = 0) {
        std::string bytes(good);
        for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(bytes, focus);
        return bytes;
    }

    /// A number in 0..limit-1; 0 for limit 0.
    [[nodiscard]] std::size_t below(std::size_t limit) {
        return limit == 0 ? 0 : static_cast<std::size_t>(m_random() % limit);
    }

private:
    std::size_t place(const std::string& bytes, std::size_t focus) {
        const bool inFocus = focus != 0 && below(10) != 0;
        return below(inFocus ? std::min(focus, bytes.size()) : bytes.size());
    }

    void change(std::string& bytes, std::size_t focus) {
        const std::size_t at = place(bytes, focus);
        const std::size_t length = std::min(bytes.size() - at, 1 + below(64));
        switch (below(9)) {
            case 0:
                if (!bytes.empty()) flipBit(bytes[at]);
                break;
            case 1:
                if (!bytes.empty()) bytes[at] = static_cast<char>(below(256));
                break;
            case 2: overwrite<std::uint32_t>(bytes, at); break;
            case 3: overwrite<std::uint64_t>(bytes, at); break;
            case 4: bytes.erase(at, length); break;
            case 5: bytes.insert(at, bytes.substr(at, length)); break;
            case 6: bytes.insert(at, std::string(length, static_cast<char>(below(256)))); break;
            case 7:
                if (below(4) == 0) bytes.resize(at);
                break;
            default:
                if (!m_words.empty()) bytes.insert(at, m_words[below(m_words.size())]);
                break;
        }
    }

    void flipBit(char& byte) {
        const auto bits = static_cast<unsigned char>(byte);
        byte = static_cast<char>(bits ^ (1u << below(8)));
    }

    /// A number at the edges of what sizes and counts are checked for.
    template <typename T>
    void overwrite(std::string& bytes, std::size_t at) {
        if (bytes.size() < sizeof(T)) return;
        const T most = ~T{0};
        const std::array<T, 10> edges{0,
                                      1,
                                      most,
                                      T(most - 1),
                                      T(most / 2),
                                      T(most / 2 + 1),
                                      T(most / 16 + 1),
                                      T(bytes.size()),
                                      T(bytes.size() - at),
                                      T(m_random())};
        const T value = edges[below(edges.size())];
        std::memcpy(bytes.data() + std::min(at, bytes.size() - sizeof(T)), &value, sizeof value);
    }

    std::mt19937_64 m_random;
    std::vector<std::string> m_words;
};

}  // namespace conclave::test
