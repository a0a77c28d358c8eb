#include "engine/tokenizer/charsmap.h"

#include <cstring>

namespace conclave::engine {
namespace {

// A unit of the double array: label in bits 0-7 and 31, leaf flag in bit 8, child offset in bits
// 10-30, scaled by 256 if bit 9 is set. A leaf's value is a unit of its own, in bits 0-30.
bool hasLeaf(std::uint32_t unit) { return ((unit >> 8u) & 1u) != 0; }
std::uint32_t valueOf(std::uint32_t unit) { return unit & 0x7FFFFFFFu; }
std::uint32_t labelOf(std::uint32_t unit) { return unit & 0x800000FFu; }
std::uint32_t offsetOf(std::uint32_t unit) { return (unit >> 10u) << ((unit & 0x200u) >> 6u); }

}  // namespace

Result<Charsmap> Charsmap::parse(std::span<const std::uint8_t> blob) {
    std::uint32_t arrayBytes = 0;
    if (blob.size() < sizeof arrayBytes) {
        return fail(ErrorCode::Corrupt, "tokenizer.ggml.precompiled_charsmap is cut short");
    }
    std::memcpy(&arrayBytes, blob.data(), sizeof arrayBytes);
    const auto rest = blob.subspan(sizeof arrayBytes);
    if (arrayBytes == 0 || arrayBytes > rest.size() || arrayBytes % sizeof(std::uint32_t) != 0) {
        return fail(ErrorCode::Corrupt,
                    "tokenizer.ggml.precompiled_charsmap gives its table a wrong size");
    }
    Charsmap map;
    map.m_units.resize(arrayBytes / sizeof(std::uint32_t));
    std::memcpy(map.m_units.data(), rest.data(), arrayBytes);
    const auto replacements = rest.subspan(arrayBytes);
    map.m_replacements.assign(replacements.begin(), replacements.end());
    return map;
}

Charsmap::Match Charsmap::longestMatch(std::string_view text) const {
    Match longest;
    if (m_units.empty()) return longest;
    std::size_t node = offsetOf(m_units[0]);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::uint32_t byte = static_cast<unsigned char>(text[i]);
        node ^= byte;
        if (byte == 0 || node >= m_units.size() || labelOf(m_units[node]) != byte) break;
        const std::uint32_t unit = m_units[node];
        node ^= offsetOf(unit);
        if (!hasLeaf(unit)) continue;
        if (node >= m_units.size()) break;
        const std::size_t begin = valueOf(m_units[node]);
        if (begin >= m_replacements.size()) continue;  // a damaged table
        const std::size_t end = m_replacements.find('\0', begin);
        longest = {i + 1, std::string_view(m_replacements).substr(begin, end - begin)};
    }
    return longest;
}

bool Charsmap::begins(std::string_view text) const {
    if (m_units.empty()) return false;
    std::size_t node = offsetOf(m_units[0]);
    for (const char c : text) {
        const std::uint32_t byte = static_cast<unsigned char>(c);
        node ^= byte;
        if (byte == 0 || node >= m_units.size() || labelOf(m_units[node]) != byte) return false;
        node ^= offsetOf(m_units[node]);
    }
    return true;
}

}  // namespace conclave::engine
