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
    struct Slot {
        std::uint32_t hash = 0;
        TokenId token = -1;
        std::uint32_t begin = 0;  ///< of its bytes in m_bytes
        std::uint32_t length = 0;
    };

    [[nodiscard]] std::string_view text(const Slot& slot) const {
        return {m_bytes.data() + slot.begin, slot.length};
    }

    std::string m_bytes;
    std::vector<Slot> m_slots = std::vector<Slot>(1);  ///< a power of two; never full
};

}  // namespace conclave::engine
