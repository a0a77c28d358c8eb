// Words are found in every form of their language, and never under a form of another.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/feedback.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class LanguageSearch : public testing::Test {
protected:
    void add(ChunkId id, std::string_view text) {
        m_index.add({.document = id}, std::vector{id}, std::vector{chunkTerms("", text)});
    }
    [[nodiscard]] std::vector<ChunkId> found(std::string_view query) const {
        std::vector<ChunkId> ids;
        for (const ScoredChunk& hit : m_index.search(weightedTerms(query), {}, 50).best) {
            ids.push_back(hit.chunk);
        }
        return ids;
    }

    KeywordIndex m_index;
};

TEST_F(LanguageSearch, FindsOtherFormsOfAWord) {
    add(1, "Le locataire doit payer les loyers et les charges que le bailleur demande.");
    add(2, "Die Häuser werden von der Verwaltung geprüft und nicht vom Mieter.");
    add(3, "Los inquilinos pagaron el alquiler y las facturas de la casa.");
    add(4, "Наниматель обязан вносить платежи по всем договорам аренды.");
    add(5, "The tenants were notified about the inspections of the building.");
    EXPECT_THAT(found("nationalité paierait demandes loyer"), ElementsAre(1));
    EXPECT_THAT(found("demander"), ElementsAre(1));
    EXPECT_THAT(found("Haus Verwaltungen"), ElementsAre(2));
    EXPECT_THAT(found("pagando facturar"), ElementsAre(3));
    EXPECT_THAT(found("договор"), ElementsAre(4));
    EXPECT_THAT(found("inspecting"), ElementsAre(5));
}

TEST_F(LanguageSearch, FindsAWordAsItIsWrittenInAnyLanguage) {
    const std::string_view texts[] = {
        "Le projet Sardines est dans le bureau de la direction pour une semaine.",
        "Das Projekt Sardines ist im Büro der Leitung und nicht im Archiv.",
        "El proyecto Sardines está en la oficina de los directores.",
        "The project Sardines is in the office of the directors.", "Sardines 2026 v2"};
    ChunkId id = 0;
    for (const std::string_view text : texts) add(++id, text);
    EXPECT_THAT(found("Sardines"), UnorderedElementsAre(1, 2, 3, 4, 5));
    EXPECT_THAT(found("2026"), ElementsAre(5));
    EXPECT_THAT(found("v2"), ElementsAre(5));
}

TEST_F(LanguageSearch, TakesNoFormOfOneLanguageForAWordOfAnother) {
    add(1, "Les notes de la réunion sont dans le dossier que vous avez.");
    add(2, "This is not what was agreed in the meeting of the board.");
    EXPECT_THAT(found("notes"), ElementsAre(1)) << "whose French stem is \"not\"";
}

TEST_F(LanguageSearch, CountsAWordOfAllLanguagesOnce) {
    add(1, "Le contrat Atlas est signé par le maire de la ville.");
    add(2, "The contract Atlas is signed by the mayor of the town.");
    add(3, "The weather is fine and the garden is green.");
    const std::vector<QueryTerm> atlas = weightedTerms("Atlas");
    const std::vector<QueryTerm> garden = weightedTerms("garden");
    EXPECT_LT(m_index.inverseFrequencies(atlas).front(),
              m_index.inverseFrequencies(garden).front());
    const std::vector<ScoredChunk> best = m_index.search(atlas, {}, 5).best;
    ASSERT_EQ(best.size(), 2u);
}

TEST_F(LanguageSearch, SaysWhichWordsAPassageHas) {
    const std::vector<QueryTerm> asked = weightedTerms("demander Sardines Miete");
    EXPECT_EQ(saidTerms(asked, "", "Les sardines que le bailleur demande sont dans la boîte."),
              (std::vector<bool>{true, true, false}));
    EXPECT_EQ(saidTerms(asked, "", "Die Mieten sind in der Stadt nicht für alle gleich."),
              (std::vector<bool>{false, false, true}));
}

TEST_F(LanguageSearch, FeedbackAddsWordsInTheStemsOfTheirLanguage) {
    const std::string_view texts[] = {
        "Les cuisiniers préparent la soupe avec des carottes et des oignons pour la fête.",
        "Les cuisiniers préparent le repas avec des oignons et du beurre pour la ville."};
    add(1, texts[0]);
    add(2, texts[1]);
    for (ChunkId id = 3; id < 20; ++id) add(id, "Nothing of this kind is said in the text here.");
    const std::vector<QueryTerm> terms = weightedTerms("cuisiniers");
    const std::vector<ScoredChunk> matches = m_index.search(terms, {}, 10).best;
    ASSERT_EQ(matches.size(), 2u);
    const std::vector<ChunkTexts::Text> read = {{1, "", std::string(texts[0])},
                                                {2, "", std::string(texts[1])}};
    const Expansion expansion = expansionOf(terms, m_index, matches, read);
    ASSERT_FALSE(expansion.added.empty());
    for (const QueryTerm& added : expansion.added) {
        EXPECT_THAT(m_index.search(std::vector{added}, {}, 5).best, testing::Not(IsEmpty()))
            << added.text;
    }
}

}  // namespace
}  // namespace conclave::retrieval
