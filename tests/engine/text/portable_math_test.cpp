#include "engine/sampling/portable_math.h"

#include <cmath>

#include <gtest/gtest.h>

namespace conclave::engine {
namespace {

TEST(PortableMath, ExpAgreesWithTheLibrary) {
    for (double x = -699.0; x < 699.0; x += 0.37) {
        EXPECT_NEAR(portableExp(x) / std::exp(x), 1.0, 1e-14) << x;
    }
    EXPECT_EQ(portableExp(0.0), 1.0);
    EXPECT_EQ(portableExp(-1e9), 0.0);
    EXPECT_EQ(portableExp(std::nan("")), 0.0);
    EXPECT_TRUE(std::isfinite(portableExp(1e9)));
}

TEST(PortableMath, LogAgreesWithTheLibrary) {
    for (double x = 1e-300; x < 1e300; x *= 1.7) {
        EXPECT_NEAR(portableLog(x), std::log(x), 1e-14 * std::max(1.0, std::abs(std::log(x)))) << x;
    }
    EXPECT_EQ(portableLog(1.0), 0.0);
}

}  // namespace
}  // namespace conclave::engine
