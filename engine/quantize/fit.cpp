#include "engine/quantize/fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace conclave::engine::quantize {
namespace {

constexpr std::size_t kMostValues = 32;  ///< of a group

float toFloat(int value) { return static_cast<float>(value); }

/// Sums that a scale's least squares need: of weight * x * level and weight * level^2.
struct Sums {
    float xLevel = 0.0f;
    float levelSquared = 0.0f;

    void add(float weight, float x, int level) {
        xLevel += weight * x * toFloat(level);
        levelSquared += weight * toFloat(level) * toFloat(level);
    }
    void remove(float weight, float x, int level) {
        xLevel -= weight * x * toFloat(level);
        levelSquared -= weight * toFloat(level) * toFloat(level);
    }
    [[nodiscard]] float scale() const { return levelSquared > 0.0f ? xLevel / levelSquared : 0.0f; }
    /// Whether the error that remains is less than with `other`.
    [[nodiscard]] bool isBetterThan(const Sums& other) const {
        return xLevel * xLevel * other.levelSquared > other.xLevel * other.xLevel * levelSquared;
    }
};

}  // namespace

float extremeOf(std::span<const float> x) {
    float extreme = 0.0f;
    for (const float value : x) {
        if (std::fabs(value) > std::fabs(extreme)) extreme = value;
    }
    return extreme;
}

float fitSymmetric(std::span<const float> x, std::span<const float> weights, int half,
                   std::uint8_t* levels) {
    const float extreme = extremeOf(x);
    if (std::fabs(extreme) < kLeastMagnitude) {
        std::fill_n(levels, x.size(), std::uint8_t{0});
        return 0.0f;
    }
    const auto levelAt = [&](float inverse, std::size_t i) {
        return nearestWithin(inverse * x[i], -half, half - 1);
    };
    const auto sumsAt = [&](float inverse) {
        Sums sums;
        for (std::size_t i = 0; i < x.size(); ++i) {
            sums.add(weights.empty() ? x[i] * x[i] : weights[i], x[i], levelAt(inverse, i));
        }
        return sums;
    };
    const auto keep = [&](float inverse) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            levels[i] = static_cast<std::uint8_t>(levelAt(inverse, i) + half);
        }
    };
    const float start = toFloat(-half) / extreme;
    const Sums first = sumsAt(start);
    keep(start);
    float scale = first.levelSquared != 0.0f ? first.xLevel / first.levelSquared : 0.0f;
    float best = scale * first.xLevel;
    for (int step = -9; step <= 9; ++step) {
        if (step == 0) continue;
        const float inverse = -(toFloat(half) + 0.1f * toFloat(step)) / extreme;
        const Sums sums = sumsAt(inverse);
        if (sums.levelSquared > 0.0f && sums.xLevel * sums.xLevel > best * sums.levelSquared) {
            keep(inverse);
            scale = sums.xLevel / sums.levelSquared;
            best = scale * sums.xLevel;
        }
    }
    return scale;
}

float fitOneByOne(std::span<const float> x, int half, std::uint8_t* levels) {
    const float extreme = extremeOf(x);
    if (std::fabs(extreme) < kLeastMagnitude) {
        std::fill_n(levels, x.size(), std::uint8_t{0});
        return 0.0f;
    }
    const float inverse = toFloat(-half) / extreme;
    std::array<int, kMostValues> chosen{};
    Sums sums;
    for (std::size_t i = 0; i < x.size(); ++i) {
        chosen[i] = nearestWithin(inverse * x[i], -half, half - 1);
        sums.add(x[i] * x[i], x[i], chosen[i]);
    }
    constexpr int kMostRounds = 5;
    bool isChanged = true;
    for (int round = 0; round < kMostRounds && isChanged; ++round) {
        isChanged = false;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const float weight = x[i] * x[i];
            Sums others = sums;
            others.remove(weight, x[i], chosen[i]);
            if (!(others.xLevel > 0.0f)) continue;
            const int level =
                nearestWithin(x[i] * others.levelSquared / others.xLevel, -half, half - 1);
            if (level == chosen[i]) continue;
            others.add(weight, x[i], level);
            if (others.levelSquared > 0.0f && others.isBetterThan(sums)) {
                chosen[i] = level;
                sums = others;
                isChanged = true;
            }
        }
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
        levels[i] = static_cast<std::uint8_t>(chosen[i] + half);
    }
    return sums.scale();
}

ScaleAndMinimum fitAboveMinimum(std::span<const float> x, std::span<const float> weights, int most,
                                const Search& search, std::uint8_t* levels) {
    float least = x[0];
    float largest = x[0];
    float sumWeight = weights[0];
    float sumX = sumWeight * x[0];
    for (std::size_t i = 1; i < x.size(); ++i) {
        least = std::min(least, x[i]);
        largest = std::max(largest, x[i]);
        sumWeight += weights[i];
        sumX += weights[i] * x[i];
    }
    least = std::min(least, 0.0f);
    if (largest <= least) {
        std::fill_n(levels, x.size(), std::uint8_t{0});
        return {0.0f, -least};
    }
    const auto errorOf = [&](const std::uint8_t* chosen, float scale, float minimum) {
        float error = 0.0f;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const float difference = scale * toFloat(chosen[i]) + minimum - x[i];
            error +=
                weights[i] * (search.isAbsolute ? std::fabs(difference) : difference * difference);
        }
        return error;
    };
    // `best` moves the origin from which the later tries start, as in ggml.
    float best = least;
    const auto choose = [&](float inverse, std::uint8_t* chosen) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            chosen[i] = static_cast<std::uint8_t>(nearestWithin(inverse * (x[i] - best), 0, most));
        }
    };
    const float firstInverse = toFloat(most) / (largest - best);
    float scale = 1.0f / firstInverse;
    choose(firstInverse, levels);
    float leastError = errorOf(levels, scale, best);
    std::array<std::uint8_t, kMostValues> tried{};
    for (int step = 0; step <= search.nSteps; ++step) {
        choose((search.first + search.step * toFloat(step) + toFloat(most)) / (largest - best),
               tried.data());
        float sumLevel = 0.0f;
        float sumSquare = 0.0f;
        float sumProduct = 0.0f;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const float level = toFloat(tried[i]);
            sumLevel += weights[i] * level;
            sumSquare += weights[i] * level * level;
            sumProduct += weights[i] * level * x[i];
        }
        const float determinant = sumWeight * sumSquare - sumLevel * sumLevel;
        if (!(determinant > 0.0f)) continue;
        float thisScale = (sumWeight * sumProduct - sumX * sumLevel) / determinant;
        float thisMinimum = (sumSquare * sumX - sumLevel * sumProduct) / determinant;
        if (thisMinimum > 0.0f) {
            thisMinimum = 0.0f;
            thisScale = sumProduct / sumSquare;
        }
        const float error = errorOf(tried.data(), thisScale, thisMinimum);
        if (error < leastError) {
            std::copy_n(tried.begin(), x.size(), levels);
            leastError = error;
            scale = thisScale;
            best = thisMinimum;
        }
    }
    return {scale, -best};
}

float fitPositive(std::span<const float> x, std::span<const float> weights, int most,
                  std::uint8_t* levels) {
    float largest = 0.0f;
    for (const float value : x) largest = std::max(largest, value);
    if (largest < kLeastMagnitude) {
        std::fill_n(levels, x.size(), std::uint8_t{0});
        return 0.0f;
    }
    const auto levelAt = [&](float inverse, std::size_t i) {
        return std::min(most, nearest(inverse * x[i]));
    };
    const auto errorOf = [&](float inverse) {
        const float scale = 1.0f / inverse;
        float error = 0.0f;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const float difference = x[i] - scale * toFloat(levelAt(inverse, i));
            error += weights[i] * difference * difference;
        }
        return error;
    };
    float inverse = toFloat(most) / largest;
    float leastError = errorOf(inverse);
    for (int step = -4; step <= 4; ++step) {
        if (step == 0) continue;
        const float tried = (0.1f * toFloat(step) + toFloat(most)) / largest;
        const float error = errorOf(tried);
        if (error < leastError) {
            leastError = error;
            inverse = tried;
        }
    }
    Sums sums;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const int level = levelAt(inverse, i);
        levels[i] = static_cast<std::uint8_t>(level);
        sums.add(weights[i], x[i], level);
    }
    constexpr int kMostRounds = 5;
    bool isChanged = true;
    for (int round = 0; round < kMostRounds && isChanged; ++round) {
        isChanged = false;
        for (std::size_t i = 0; i < x.size(); ++i) {
            Sums others = sums;
            others.remove(weights[i], x[i], levels[i]);
            if (!(others.xLevel > 0.0f) || !(others.levelSquared > 0.0f)) continue;
            const int level = std::min(most, nearest(x[i] * others.levelSquared / others.xLevel));
            if (level == levels[i]) continue;
            others.add(weights[i], x[i], level);
            if (others.isBetterThan(sums)) {
                levels[i] = static_cast<std::uint8_t>(level);
                sums = others;
                isChanged = true;
            }
        }
    }
    return sums.scale();
}

}  // namespace conclave::engine::quantize
