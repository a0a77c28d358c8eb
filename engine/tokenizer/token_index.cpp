#include "engine/tokenizer/token_index.h"

#include <bit>
#include <cstring>

namespace conclave::engine {
namespace {

std::uint64_t loadWord(const char* from, std::size_t nBytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, nBytes);
    return word;
}

/// Multiply and fold, eight bytes a step; words are short, so that one or two steps are the rule.
std::uint32_t hashOf(std::string_view bytes) {
    constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15u;
    std::uint64_t hash = bytes.size() * kFactor;
    std::size_t at = 0;
    for (; at + sizeof hash <= bytes.size(); at += sizeof hash) {
        hash = (hash ^ loadWord(bytes.data() + at, sizeof hash)) * kFactor;
        hash ^= hash >> 32u;
    }
    hash = (hash ^ loadWord(bytes.data() + at, bytes.size() - at)) * kFactor;
    return static_cast<std::uint32_t>(hash >> 32u);
}

}  // namespace

TokenIndex::TokenIndex(const std::vector<Entry>& entries)
    : m_slots(std::bit_ceil(entries.size() * 2 + 1)) {
    for (const auto& [bytes, token] : entries) {
        const std::uint32_t hash = hashOf(bytes);
        std::size_t at = hash & (m_slots.size() - 1);
        while (m_slots[at].token >= 0 && text(m_slots[at]) != bytes) {
            at = (at + 1) & (m_slots.size() - 1);
        }
        if (m_slots[at].token < 0) {
            m_slots[at].hash = hash;
            m_slots[at].begin = static_cast<std::uint32_t>(m_bytes.size());
            m_slots[at].length = static_cast<std::uint32_t>(bytes.size());
            m_bytes += bytes;
        }
        m_slots[at].token = token;
    }
}

TokenId TokenIndex::find(std::string_view bytes) const {
    const std::uint32_t hash = hashOf(bytes);
    for (std::size_t at = hash & (m_slots.size() - 1); m_slots[at].token >= 0;
         at = (at + 1) & (m_slots.size() - 1)) {
        if (m_slots[at].hash == hash && text(m_slots[at]) == bytes) return m_slots[at].token;
    }
    return -1;
}

}  // namespace conclave::engine
