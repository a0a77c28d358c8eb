// marker_search.h: the first of several marks in a text that still grows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace conclave::engine {

struct MarkerHit {
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    std::size_t position = 0;    ///< of the mark; without one: what is certainly no part of any
    std::size_t marker = kNone;  ///< which
    [[nodiscard]] bool isFound() const { return marker != kNone; }
};

/// The first mark in `text`. No mark may begin with another. Where the text ends like the beginning
/// of a mark, that is left open unless the text `isWhole`.
[[nodiscard]] inline MarkerHit findMarker(std::string_view text,
                                          std::span<const std::string_view> markers, bool isWhole) {
    MarkerHit hit{text.size(), MarkerHit::kNone};
    for (std::size_t i = 0; i < markers.size(); ++i) {
        const std::size_t found = text.substr(0, hit.position + markers[i].size()).find(markers[i]);
        if (found < hit.position) hit = {found, i};
    }
    if (isWhole) return hit;
    for (const std::string_view marker : markers) {
        const std::size_t longest = std::min(marker.size() - 1, text.size());
        for (std::size_t length = longest; length > 0; --length) {
            const std::size_t begin = text.size() - length;
            if (begin >= hit.position) break;  // what comes before the hit alone can change it
            if (marker.starts_with(text.substr(begin))) {
                hit = {begin, MarkerHit::kNone};
                break;
            }
        }
    }
    return hit;
}

}  // namespace conclave::engine
