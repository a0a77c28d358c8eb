#include "engine/sampling/portable_math.h"

#include <bit>
#include <cstdint>

namespace conclave::engine {
namespace {

// ln 2 in two parts, the first short enough that its product with an exponent is exact.
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kOneByLn2 = 1.44269504088896338700;
constexpr int kMantissaBits = 52;
constexpr int kExponentBias = 1023;

double powerOfTwo(int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + kExponentBias)
                                 << kMantissaBits);
}

}  // namespace

double portableExp(double x) {
    constexpr double kLargest = 700.0;
    if (!(x >= -kLargest)) return 0.0;
    if (x > kLargest) x = kLargest;
    // x = k ln 2 + r with |r| <= ln 2 / 2, then the Taylor series of e^r to r^13 / 13!.
    const double scaled = x * kOneByLn2;
    const int k = static_cast<int>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    const double r = (x - k * kLn2High) - k * kLn2Low;
    constexpr int kTerms = 13;
    double sum = 1.0;
    for (int n = kTerms; n >= 1; --n) sum = 1.0 + sum * (r / n);
    return sum * powerOfTwo(k);
}

double portableLog(double x) {
    // x = m 2^e with m in [sqrt(1/2), sqrt(2)), then ln m = 2 atanh((m - 1) / (m + 1)) as a series.
    constexpr std::uint64_t kMantissaMask = (std::uint64_t{1} << kMantissaBits) - 1;
    constexpr double kSqrt2 = 1.41421356237309504880;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    int exponent = static_cast<int>(bits >> kMantissaBits) - kExponentBias;
    double mantissa = std::bit_cast<double>(
        (bits & kMantissaMask) | (static_cast<std::uint64_t>(kExponentBias) << kMantissaBits));
    if (mantissa >= kSqrt2) {
        mantissa /= 2;
        ++exponent;
    }
    const double t = (mantissa - 1.0) / (mantissa + 1.0);
    const double tt = t * t;
    constexpr int kLastPower = 23;
    double sum = 0.0;
    for (int n = kLastPower; n >= 1; n -= 2) sum = sum * tt + 1.0 / n;
    return exponent * kLn2High + (exponent * kLn2Low + 2.0 * t * sum);
}

}  // namespace conclave::engine
