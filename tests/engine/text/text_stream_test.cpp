#include "engine/sampling/text_stream.h"

#include <gtest/gtest.h>

namespace conclave::engine {
namespace {

/// A vocabulary whose tokens are given strings: what TextStream needs of one.
class ListTokenizer final : public Tokenizer {
public:
    explicit ListTokenizer(std::vector<std::string> pieces) : m_pieces(std::move(pieces)) {}

    int vocabularySize() const override { return static_cast<int>(m_pieces.size()); }
    std::vector<TokenId> encode(std::string_view /*text*/,
                                const TokenizeOptions& /*options*/) const override {
        return {};
    }
    std::vector<TokenId> encodeParts(std::span<const PromptPart> /*parts*/) const override {
        return {};
    }
    std::string piece(TokenId token, bool /*renderSpecial*/) const override {
        return m_pieces.at(static_cast<std::size_t>(token));
    }
    std::string decode(std::span<const TokenId> tokens, bool renderSpecial) const override {
        std::string text;
        for (const TokenId token : tokens) text += piece(token, renderSpecial);
        return text;
    }
    TokenType type(TokenId /*token*/) const override { return TokenType::Normal; }
    std::string_view tokenText(TokenId token) const override {
        return m_pieces.at(static_cast<std::size_t>(token));
    }
    bool isEndOfTurn(TokenId /*token*/) const override { return false; }
    TokenId bos() const override { return -1; }
    TokenId eos() const override { return -1; }
    bool addsBos() const override { return false; }

private:
    std::vector<std::string> m_pieces;
};

/// What is shown after each piece, then the rest.
std::vector<std::string> stream(const std::vector<std::string>& pieces,
                                std::vector<std::string> stops = {}) {
    const ListTokenizer tokenizer(pieces);
    TextStream text(tokenizer, std::move(stops));
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        shown.push_back(text.push(static_cast<TokenId>(i)));
    }
    shown.push_back(text.finish());
    return shown;
}

using Shown = std::vector<std::string>;

TEST(TextStream, HoldsBackUnfinishedCharacters) {
    EXPECT_EQ(stream({"a", "\xE4", "\xBD", "\xA0", "b"}), (Shown{"a", "", "", "你", "b", ""}));
}

TEST(TextStream, ReplacesWhatNeverBecomesACharacter) {
    EXPECT_EQ(stream({"\xE4\xBD", "x"}), (Shown{"", "\xEF\xBF\xBDx", ""}));
    EXPECT_EQ(stream({"a\xF0\x9F"}), (Shown{"a", "\xEF\xBF\xBD"}));
    EXPECT_EQ(stream({"\xFF!"}), (Shown{"\xEF\xBF\xBD!", ""}));
}

TEST(TextStream, NeverShowsAnythingOfAStopString) {
    EXPECT_EQ(stream({"one", " E", "N", "D", " two"}, {"END"}),
              (Shown{"one", " ", "", "", "", ""}));
}

TEST(TextStream, ShowsWhatOnlyLookedLikeAStopString) {
    EXPECT_EQ(stream({"E", "N", "E", "ND"}, {"END"}), (Shown{"", "", "EN", "", ""}));
    EXPECT_EQ(stream({"aab"}, {"ab"}), (Shown{"a", ""}));
    EXPECT_EQ(stream({"ab", "c"}, {"abab"}), (Shown{"", "abc", ""}));
    EXPECT_EQ(stream({"EN"}, {"END"}), (Shown{"", "EN"}));
}

TEST(TextStream, StopsAtTheEarliestOfSeveral) {
    EXPECT_EQ(stream({"abcd"}, {"cd", "bc"}), (Shown{"a", ""}));
    EXPECT_EQ(stream({"ab", "cx"}, {"abcd", "bcx", ""}), (Shown{"", "a", ""}));
}

TEST(TextStream, StopStringsMayBeSplitInsideACharacter) {
    EXPECT_EQ(stream({"x\xE3\x80", "\x82y"}, {"。"}), (Shown{"x", "", ""}));
    EXPECT_EQ(stream({"x\xE3\x80", "\x81y"}, {"。"}), (Shown{"x", "、y", ""}));
}

TEST(TextStream, TellsThatItStopped) {
    const ListTokenizer tokenizer({"stop"});
    TextStream text(tokenizer, {"top"});
    EXPECT_FALSE(text.stopped());
    EXPECT_EQ(text.push(0), "s");
    EXPECT_TRUE(text.stopped());
    EXPECT_EQ(text.push(0), "");
    EXPECT_EQ(text.finish(), "");
}

}  // namespace
}  // namespace conclave::engine
