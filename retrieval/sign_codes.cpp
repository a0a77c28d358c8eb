#include "retrieval/sign_codes.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace conclave::retrieval {
namespace {

constexpr std::size_t kPlanes = 4;
constexpr float kLargestStep = 15.0F;

struct SignRows {
    const std::uint64_t* bits = nullptr;
    const float* spreads = nullptr;
    std::size_t nWords = 0;
};

/// NWords 0: as many as the rows say.
template <std::size_t NWords>
inline __attribute__((always_inline)) void estimateSigns(const SignRows& rows,
                                                         const SignCodes::Query& query,
                                                         std::span<float> found) {
    const std::size_t nWords = NWords > 0 ? NWords : rows.nWords;
    const std::uint64_t* planes = query.planes.data();
    for (std::size_t row = 0; row < found.size(); ++row) {
        const std::uint64_t* bits = rows.bits + row * nWords;
        int nSet = 0;
        int steps = 0;
        for (std::size_t word = 0; word < nWords; ++word) {
            const std::uint64_t set = bits[word];
            nSet += __builtin_popcountll(set);
            steps += __builtin_popcountll(set & planes[word]) +
                     2 * __builtin_popcountll(set & planes[nWords + word]) +
                     4 * __builtin_popcountll(set & planes[2 * nWords + word]) +
                     8 * __builtin_popcountll(set & planes[3 * nWords + word]);
        }
        const float positive =
            query.least * static_cast<float>(nSet) + query.step * static_cast<float>(steps);
        found[row] = rows.spreads[row] * (2.0F * positive - query.sum);
    }
}

void estimatePlain(const SignRows& rows, const SignCodes::Query& query, std::span<float> found) {
    estimateSigns<0>(rows, query, found);
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) void estimatePopcnt(const SignRows& rows,
                                                      const SignCodes::Query& query,
                                                      std::span<float> found) {
    constexpr std::size_t kUsualWords = 4;  // of the bundled embedder's 256 values
    if (rows.nWords == kUsualWords) {
        estimateSigns<kUsualWords>(rows, query, found);
    } else {
        estimateSigns<0>(rows, query, found);
    }
}
#endif

using EstimateSigns = void (*)(const SignRows&, const SignCodes::Query&, std::span<float>);

EstimateSigns signEstimator() {
#if defined(__x86_64__)
    static const EstimateSigns chosen =
        __builtin_cpu_supports("popcnt") != 0 ? estimatePopcnt : estimatePlain;
    return chosen;
#else
    return estimatePlain;
#endif
}

constexpr std::size_t kWordBits = 64;

}  // namespace

SignCodes::SignCodes(std::size_t dimension)
    : m_dimension(dimension), m_nWords((dimension + kWordBits - 1) / kWordBits) {}

void SignCodes::insert(std::size_t row, std::span<const std::int8_t> code, float scale) {
    const auto at = static_cast<std::ptrdiff_t>(row);
    m_bits.insert(m_bits.begin() + at * static_cast<std::ptrdiff_t>(m_nWords), m_nWords, 0);
    m_spreads.insert(m_spreads.begin() + at, 0.0F);
    set(row, code, scale);
}

void SignCodes::set(std::size_t row, std::span<const std::int8_t> code, float scale) {
    std::uint64_t* bits = m_bits.data() + row * m_nWords;
    int sum = 0;
    for (std::size_t word = 0; word < m_nWords; ++word) {
        const std::size_t from = word * kWordBits;
        const std::size_t n = std::min(kWordBits, m_dimension - from);
        std::uint64_t set = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const bool isPositive = code[from + i] > 0;
            set |= static_cast<std::uint64_t>(isPositive) << i;
            sum += std::abs(code[from + i]);
        }
        bits[word] = set;
    }
    m_spreads[row] = scale * static_cast<float>(sum) / static_cast<float>(m_dimension);
}

void SignCodes::copy(std::size_t to, std::size_t from) {
    std::copy_n(m_bits.begin() + static_cast<std::ptrdiff_t>(from * m_nWords), m_nWords,
                m_bits.begin() + static_cast<std::ptrdiff_t>(to * m_nWords));
    m_spreads[to] = m_spreads[from];
}

void SignCodes::truncate(std::size_t n) {
    m_bits.resize(n * m_nWords);
    m_spreads.resize(n);
}

SignCodes::Query SignCodes::query(std::span<const float> values) const {
    Query made;
    made.planes.assign(kPlanes * m_nWords, 0);
    const auto [least, largest] = std::minmax_element(values.begin(), values.end());
    if (values.empty() || !(*largest > *least)) return made;
    made.least = *least;
    made.step = (*largest - *least) / kLargestStep;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto steps =
            static_cast<std::uint64_t>(std::lround((values[i] - made.least) / made.step));
        for (std::size_t plane = 0; plane < kPlanes; ++plane) {
            made.planes[plane * m_nWords + i / kWordBits] |= (steps >> plane & 1U)
                                                             << (i % kWordBits);
        }
        made.sum += values[i];
    }
    return made;
}

void SignCodes::estimate(const Query& query, std::size_t first, std::span<float> found) const {
    signEstimator()({m_bits.data() + first * m_nWords, m_spreads.data() + first, m_nWords}, query,
                    found);
}

}  // namespace conclave::retrieval
