#include "engine/tokenizer/token_index.h"

#include <algorithm>
#include <bit>

#include "engine/tokenizer/load_bytes.h"

namespace conclave::engine {
TokenIndex::Key::Key(std::string_view bytes) : length(static_cast<std::uint32_t>(bytes.size())) {
    constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15u;
    low = loadUpTo8(bytes.data(), std::min<std::size_t>(bytes.size(), 8));
    if (bytes.size() > 8) {
        high = loadUpTo8(bytes.data() + 8, std::min<std::size_t>(bytes.size() - 8, 8));
    }
    std::uint64_t mixed = (bytes.size() * kFactor ^ low) * kFactor;
    mixed = ((mixed ^ mixed >> 32u) ^ high) * kFactor;
    for (std::size_t at = 16; at < bytes.size(); at += 8) {
        mixed ^= mixed >> 32u;
        mixed ^= loadUpTo8(bytes.data() + at, std::min<std::size_t>(bytes.size() - at, 8));
        mixed *= kFactor;
    }
    hash = static_cast<std::uint32_t>(mixed >> 32u);
}

TokenIndex::TokenIndex(const std::vector<Entry>& entries)
    : m_slots(std::bit_ceil(entries.size() * 3 / 2 + 1)) {
    for (const auto& [bytes, token] : entries) {
        const Key key(bytes);
        std::size_t at = key.hash & (m_slots.size() - 1);
        while (m_slots[at].token >= 0 && !isEqual(m_slots[at], key, bytes)) {
            at = (at + 1) & (m_slots.size() - 1);
        }
        if (m_slots[at].token < 0) {
            m_slots[at].key = key;
            m_slots[at].begin = static_cast<std::uint32_t>(m_bytes.size());
            m_bytes += bytes;
        }
        m_slots[at].token = token;
    }
}

TokenId TokenIndex::find(std::string_view bytes) const {
    const Key key(bytes);
    for (std::size_t at = key.hash & (m_slots.size() - 1); m_slots[at].token >= 0;
         at = (at + 1) & (m_slots.size() - 1)) {
        if (isEqual(m_slots[at], key, bytes)) return m_slots[at].token;
    }
    return -1;
}

bool TokenIndex::isEqual(const Slot& slot, const Key& key, std::string_view bytes) const {
    if (slot.key.low != key.low || slot.key.high != key.high || slot.key.length != key.length) {
        return false;
    }
    constexpr std::size_t kInKey = 16;
    return bytes.size() <= kInKey ||
           std::string_view(m_bytes.data() + slot.begin, slot.key.length) == bytes;
}

}  // namespace conclave::engine
