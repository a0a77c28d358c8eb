#include "retrieval/extractor/pdf_seen_text.h"

#include <algorithm>

namespace conclave::retrieval::extractor {
namespace {

double shared(const LineBox& a, const LineBox& b) {
    const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
    const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    return width > 0.0 && height > 0.0 ? width * height : 0.0;
}

}  // namespace

std::vector<unsigned> InkedGlyphs::codesOf(const PagePainting::Letters& letters) {
    std::vector<unsigned> codes;
    for (std::size_t i = 0; i < letters.codes.size(); i += letters.nBytesOfCode) {
        unsigned code = 0;
        for (std::size_t j = 0; j < letters.nBytesOfCode; ++j) {
            code = code << 8U | static_cast<unsigned char>(letters.codes[i + j]);
        }
        codes.push_back(code);
    }
    return codes;
}

bool InkedGlyphs::knows(const PagePainting& painting, std::size_t nSigns) const {
    // Too few to say anything, as the number of a heading in letters of its own; a few more of a
    // font whose others leave ink, as every page of Chinese has.
    constexpr std::size_t kMostUnknown = 8;
    constexpr std::size_t kMostOfKnownStyle = 16;
    constexpr std::size_t kCodesOfKnownStyle = 32;
    std::size_t nUnknown = 0;
    std::size_t nOfKnownStyle = 0;
    std::size_t nCodes = 0;
    for (const PagePainting::Letters& letters : painting.letters) {
        const auto codes = codesOf(letters);
        nCodes += codes.size();
        const auto known = m_codes.find(letters.style);
        const bool isStyleKnown = known != m_codes.end();
        const auto nKnown = std::count_if(codes.begin(), codes.end(), [&](unsigned code) {
            return isStyleKnown && known->second.count(code) > 0;
        });
        if (2 * static_cast<std::size_t>(nKnown) >= codes.size()) continue;
        const bool isOfMany = isStyleKnown && known->second.size() >= kCodesOfKnownStyle;
        (isOfMany ? nOfKnownStyle : nUnknown) += codes.size();
    }
    // A font may claim that one glyph is a whole text; ligatures are a few letters each.
    constexpr double kMostSignsOfCode = 1.2;
    constexpr double kFew = 8.0;
    return nUnknown <= kMostUnknown && nUnknown + nOfKnownStyle <= kMostOfKnownStyle &&
           static_cast<double>(nSigns) <= kMostSignsOfCode * static_cast<double>(nCodes) + kFew;
}

void InkedGlyphs::learn(const PagePainting& painting) {
    for (const auto& letters : painting.letters) {
        const auto codes = codesOf(letters);
        m_codes[letters.style].insert(codes.begin(), codes.end());
    }
}

bool isUncovered(const PagePainting& painting, std::span<const LineBox> places) {
    if (places.size() * (places.size() + painting.covers.size()) > kMostComparisons) return false;
    LineBox seen = painting.clip;
    seen.left = std::max(seen.left, 0.0);
    seen.top = std::max(seen.top, 0.0);
    seen.right = std::min(seen.right, painting.width);
    seen.bottom = std::min(seen.bottom, painting.height);
    for (std::size_t i = 0; i < places.size(); ++i) {
        const LineBox& place = places[i];
        const double area = (place.right - place.left) * (place.bottom - place.top);
        // Long lines may run off the page.
        constexpr double kLeastInside = 0.3;
        if (!(shared(place, seen) >= kLeastInside * area)) return false;
        double covered = 0.0;
        for (const LineBox& cover : painting.covers) covered += shared(place, cover);
        if (covered > kMostCovered * area) return false;
        for (std::size_t j = i + 1; j < places.size(); ++j) {
            const LineBox& other = places[j];
            const double areaOfOther = (other.right - other.left) * (other.bottom - other.top);
            constexpr double kMostShared = 0.5;
            if (shared(place, other) > kMostShared * std::min(area, areaOfOther)) return false;
        }
    }
    return true;
}

}  // namespace conclave::retrieval::extractor
