#include <stdexcept>

#include "storage_support.h"

namespace conclave::storage {
namespace {

using testing::ElementsAre;

class FullTextTest : public StorageTest {
protected:
    void fill(std::unique_ptr<Database> database, const std::vector<std::string>& texts) {
        m_database = std::move(database);
        const auto chat = valueOf(m_database->chats().createChat({}));
        for (const std::string& text : texts) {
            valueOf(m_database->chats().addMessage({.chat = chat, .text = text}));
        }
    }
    std::vector<std::string> found(std::string_view query) {
        std::vector<std::string> texts;
        for (const MessageHit& hit : valueOf(m_database->chats().searchMessages(query, 100))) {
            texts.push_back(valueOf(m_database->chats().message(hit.message)).text);
        }
        return texts;
    }

    std::unique_ptr<Database> m_database;
};

TEST_F(FullTextTest, RanksByBm25) {
    // By length alone the second would be first; a word said twice counts for more.
    fill(open(), {"fox fox dog", "fox bird cat", "cat", "cow"});
    EXPECT_THAT(found("fox"), ElementsAre("fox fox dog", "fox bird cat"));
}

TEST_F(FullTextTest, AWordThatAllTextsHaveStillCounts) {
    fill(open(), {"fox and more besides", "fox fox"});
    EXPECT_THAT(found("fox"), ElementsAre("fox fox", "fox and more besides"));
}

TEST_F(FullTextTest, QueriesAreDataNotSyntax) {
    fill(open(), {"near or and not"});
    for (const char* query : {"NEAR(a b)", "a*", "^a", "text:a", "'; DROP TABLE chat; --", "\"",
                              "a AND b", "-", "(", ""}) {
        EXPECT_OK(m_database->chats().searchMessages(query, 5));
    }
    EXPECT_THAT(found("OR"), ElementsAre("near or and not"));
}

TEST_F(FullTextTest, ANewAnalyzerVersionRebuildsWhatWasMadeWithTheOld) {
    fill(open(), {"Foxes sleep"});
    const std::vector<std::byte> bytes(3);
    const std::vector<std::span<const std::byte>> pieces = {bytes};
    valueOf(m_database->documents().keepKeywordSegments(pieces, {}));
    m_database.reset();
    const Analyzer upperCase = [](std::string_view text, const TermSink& sink) {
        analyzeForTests(text, [&](std::string_view term, std::size_t start, std::size_t end) {
            std::string upper(term);
            for (char& c : upper) c = static_cast<char>(std::toupper(c));
            sink(upper, start, end);
        });
    };
    m_database = valueOf(Database::open(file(), {.analyzer = upperCase, .analyzerVersion = 2}));
    EXPECT_EQ(found("foxes").size(), 1U);
    int nPieces = 0;
    valueOf(
        m_database->documents().forEachKeywordSegment({}, [&](std::int64_t, auto) { ++nPieces; }));
    EXPECT_EQ(nPieces, 0);
    expectSound(*m_database);
}

TEST_F(FullTextTest, AnAnalyzerThatThrowsFailsTheCallAlone) {
    const Analyzer odd = [](std::string_view text, const TermSink& sink) {
        if (text.find("bomb") != std::string_view::npos) throw std::runtime_error("bomb");
        analyzeForTests(text, sink);
    };
    fill(valueOf(Database::open(file(), {.analyzer = odd})), {"fox"});
    const auto chat = valueOf(m_database->chats().chats()).front().id;
    EXPECT_FALSE(m_database->chats().addMessage({.chat = chat, .text = "bomb"}).has_value());
    EXPECT_OK(m_database->chats().addMessage({.chat = chat, .text = "one"}));
    EXPECT_EQ(valueOf(m_database->chats().messages(chat)).size(), 2U);
    expectSound(*m_database);
}

TEST_F(FullTextTest, CheckNoticesAnIndexThatDisagrees) {
    fill(open(), {"fox"});
    m_database.reset();
    const Analyzer other = [](std::string_view, const TermSink& sink) { sink("x", 0, 1); };
    m_database = valueOf(Database::open(file(), {.analyzer = other, .analyzerVersion = 1}));
    bool noticed = false;
    for (const Finding& finding : valueOf(m_database->check())) {
        if (finding.subject == "full text of chats") noticed = !finding.ok;
    }
    EXPECT_TRUE(noticed);
}

}  // namespace
}  // namespace conclave::storage
