#include "base/utf8.h"

#include <gtest/gtest.h>

namespace conclave {
namespace {

TEST(Utf8, HoldsBackAnUnfinishedCharacter) {
    EXPECT_EQ(completeUtf8Prefix("ab\xE4\xBD"), 2u);
    EXPECT_EQ(completeUtf8Prefix("ab\xE4\xBD\x8F"), 5u);
    EXPECT_EQ(completeUtf8Prefix("\xF0\x9F\x98"), 0u);
    EXPECT_EQ(completeUtf8Prefix(""), 0u);
}

TEST(Utf8, InvalidBytesDoNotHoldBackForever) {
    EXPECT_EQ(completeUtf8Prefix("ab\xFF"), 3u);
    EXPECT_EQ(completeUtf8Prefix("\x80\x80\x80\x80"), 4u);
    EXPECT_EQ(completeUtf8Prefix("\xE0\x80"), 2u) << "an overlong start can never be completed";
}

TEST(Utf8, ReplacesEachMaximalInvalidPart) {
    EXPECT_EQ(toValidUtf8("a\xF1\x80\x80\xE1\x80\xC2"
                          "b"),
              "a\uFFFD\uFFFD\uFFFDb");
    EXPECT_EQ(toValidUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "surrogates are not characters";
    EXPECT_FALSE(isValidUtf8("\xC0\xAF"));
    EXPECT_TRUE(isValidUtf8("住宿 😀"));
}

TEST(Utf8, CountsAndFindsCodePoints) {
    EXPECT_EQ(countCodePoints("a住😀"), 3u);
    EXPECT_EQ(byteOffsetOf("a住😀", 2), 4u);
    EXPECT_EQ(byteOffsetOf("a住😀", 9), 8u) << "clamped to the end";
}

}  // namespace
}  // namespace conclave
