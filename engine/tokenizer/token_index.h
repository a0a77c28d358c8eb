// token_index.h: finds the token that a word is as a whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace conclave::engine {

/// Bytes to token, by open addressing: asked once for every word of every text.
class TokenIndex {
public:
    using Entry = std::pair<std::string, TokenId>;

    TokenIndex() = default;
    /// Texts are copied; of equal ones the last counts.
    explicit TokenIndex(const std::vector<Entry>& entries);

    /// -1: there is none.
    [[nodiscard]] TokenId find(std::string_view bytes) const;

private:
    /// A text's first sixteen bytes, which is all of most words, and a hash of all.
    struct Key {
        Key() = default;
        explicit Key(std::string_view bytes);
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        std::uint32_t length = 0;
        std::uint32_t hash = 0;
    };
    struct Slot {
        Key key;
        TokenId token = -1;
        std::uint32_t begin = 0;  ///< of its bytes in m_bytes
    };

    [[nodiscard]] bool isEqual(const Slot& slot, const Key& key, std::string_view bytes) const;

    std::string m_bytes;
    std::vector<Slot> m_slots = std::vector<Slot>(1);  ///< a power of two; never full
};

}  // namespace conclave::engine
