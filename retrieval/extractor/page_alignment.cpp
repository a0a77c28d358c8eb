#include "retrieval/extractor/page_alignment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace conclave::retrieval::extractor {
namespace {

using Profile = std::vector<double>;

/// Ink in each row and each column.
struct Profiles {
    Profile rows;
    Profile columns;
};

Profiles profilesOf(const InkGrid& ink) {
    Profiles sums{Profile(static_cast<std::size_t>(ink.rows)),
                  Profile(static_cast<std::size_t>(ink.columns))};
    std::size_t at = 0;
    for (double& row : sums.rows) {
        for (double& column : sums.columns) {
            const double cell = ink.cells[at++];
            row += cell;
            column += cell;
        }
    }
    return sums;
}

/// Lines are profiled on the page and twice its size before and behind it.
constexpr int kAround = 2;

/// Adds `weight` to the cells from `from` to `to`, given in points.
void addSpan(Profile& profile, double cellSize, double from, double to, double weight) {
    const auto n = static_cast<double>(profile.size());
    const double before = n / (2 * kAround + 1) * kAround * cellSize;
    from += before;
    to += before;
    const auto first = static_cast<std::size_t>(std::clamp(std::floor(from / cellSize), 0.0, n));
    const auto last = static_cast<std::size_t>(std::clamp(std::ceil(to / cellSize), 0.0, n));
    for (std::size_t i = first; i < last; ++i) profile[i] += weight;
}

/// Pearson's correlation of the page's profile with that of lines, moved by `shift` cells.
double correlation(const Profile& a, const Profile& b, int shift) {
    const int n = static_cast<int>(a.size());
    double sumA = 0, sumB = 0, sumAA = 0, sumBB = 0, sumAB = 0;
    for (int i = 0; i < n; ++i) {
        const double x = a[static_cast<std::size_t>(i)];
        const int moved = i - shift + kAround * n;
        const double y = b[static_cast<std::size_t>(moved)];
        sumA += x;
        sumB += y;
        sumAA += x * x;
        sumBB += y * y;
        sumAB += x * y;
    }
    const double spread = (n * sumAA - sumA * sumA) * (n * sumBB - sumB * sumB);
    return spread > 0 ? (n * sumAB - sumA * sumB) / std::sqrt(spread) : 0.0;
}

/// The best shift of `lines` onto `ink`; none unless it is clearly better.
int bestShift(const Profile& ink, const Profile& lines, int most) {
    constexpr double kClearly = 0.05;
    int best = 0;
    double bestFit = correlation(ink, lines, 0) + kClearly;
    for (int shift = -most; shift <= most; ++shift) {
        const double fit = correlation(ink, lines, shift);
        if (fit <= bestFit) continue;
        bestFit = fit;
        best = shift;
    }
    return best;
}

/// How much more ink there is in the lines than beside them, 0..1. Lines off the page count as
/// empty.
double contrast(const InkGrid& ink, std::span<const LineBox> lines,
                const PageAlignment& alignment) {
    std::vector<char> covered(ink.cells.size(), 0);
    double nLost = 0;
    for (const LineBox& line : lines) {
        const LineBox box = alignment.apply(line);
        const auto cell = [&](double value) {
            return static_cast<int>(std::floor(value / ink.cellSize));
        };
        for (int y = cell(box.top); y <= cell(box.bottom); ++y) {
            for (int x = cell(box.left); x <= cell(box.right); ++x) {
                if (x < 0 || y < 0 || x >= ink.columns || y >= ink.rows) {
                    nLost += 1;
                    continue;
                }
                const int at = y * ink.columns + x;
                covered[static_cast<std::size_t>(at)] = 1;
            }
        }
    }
    double nCovered = 0, nInked = 0, nInkedOutside = 0;
    for (std::size_t i = 0; i < covered.size(); ++i) {
        nCovered += covered[i];
        nInked += covered[i] & ink.cells[i];
        nInkedOutside += ~covered[i] & ink.cells[i] & 1;
    }
    const double nOutside = static_cast<double>(covered.size()) - nCovered;
    return nInked / std::max(nCovered + nLost, 1.0) - nInkedOutside / std::max(nOutside, 1.0);
}

}  // namespace

LineBox PageAlignment::apply(const LineBox& line) const {
    // QtPdf measures downwards from the height that is seen, whichever way the page is turned.
    const double low = m_pageHeight - line.bottom;
    const double high = m_pageHeight - line.top;
    LineBox seen = line;
    switch (m_turns) {
        case 1: seen = {low, line.left, high, line.right}; break;
        case 2: seen = {m_pageWidth - line.right, low, m_pageWidth - line.left, high}; break;
        case 3:
            seen = {m_pageWidth - high, m_pageHeight - line.right, m_pageWidth - low,
                    m_pageHeight - line.left};
            break;
        default: break;
    }
    return {seen.left + m_right, seen.top + m_down, seen.right + m_right, seen.bottom + m_down};
}

PageAlignment PageAlignment::find(const InkGrid& ink, double pageWidth, double pageHeight,
                                  std::span<const LineBox> lines) {
    constexpr double kGood = 0.25;
    constexpr double kClearly = 0.05;
    PageAlignment plain;
    plain.m_pageWidth = pageWidth;
    plain.m_pageHeight = pageHeight;
    const Profiles inked = profilesOf(ink);
    const double plainFit = contrast(ink, lines, plain);
    PageAlignment best = plain;
    double bestFit = plainFit + kClearly;
    for (int turns = 0; turns < 4; ++turns) {
        PageAlignment turned = plain;
        turned.m_turns = turns;
        Profiles covered{Profile(inked.rows.size() * (2 * kAround + 1)),
                         Profile(inked.columns.size() * (2 * kAround + 1))};
        for (const LineBox& line : lines) {
            const LineBox box = turned.apply(line);
            addSpan(covered.rows, ink.cellSize, box.top, box.bottom, box.right - box.left);
            addSpan(covered.columns, ink.cellSize, box.left, box.right, box.bottom - box.top);
        }
        if (turns == 0 && plainFit > kGood &&
            bestShift(inked.rows, covered.rows, ink.rows / 4) == 0 &&
            bestShift(inked.columns, covered.columns, ink.columns / 4) == 0) {
            return plain;
        }
        const int down = bestShift(inked.rows, covered.rows, kAround * ink.rows);
        const int right = bestShift(inked.columns, covered.columns, kAround * ink.columns);
        turned.m_down = down * ink.cellSize;
        turned.m_right = right * ink.cellSize;
        const double fit = contrast(ink, lines, turned);
        if (fit <= bestFit) continue;
        bestFit = fit;
        best = turned;
    }
    return best;
}

}  // namespace conclave::retrieval::extractor
