#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Diversify, CopiesComeLastAndOneDocumentDoesNotFillTheFirstPlaces) {
    constexpr std::string_view kLong =
        "The spare keys of the office are kept by Marta Veldhuis in the grey box on her desk";
    const std::vector<RankedText> ranked = {
        {1, kLong},
        {2,
         "the SPARE keys of the office, are kept by Marta Veldhuis in the grey box on her desk."},
        {1, "one"},
        {1, "two"},
        {1, "three"},
        {1, "four"},
        {3, "备用钥匙由王磊保管。"},
        {4, "备用钥匙由王磊保管"},
        {5, "five"}};
    EXPECT_THAT(diversify(ranked, 4), ElementsAre(0, 2, 3, 4, 6, 8, 5, 1, 7));
}

TEST(Diversify, KeepsTheOrderOfWhatDiffers) {
    const std::vector<RankedText> ranked = {{1, "a price of 120 euros a night in Germany"},
                                            {2, "a price of 140 euros a night in Norway"},
                                            {3, ""},
                                            {4, ""}};
    EXPECT_THAT(diversify(ranked, 4), ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(diversify({}, 4), IsEmpty());
}

}  // namespace
}  // namespace conclave::retrieval
