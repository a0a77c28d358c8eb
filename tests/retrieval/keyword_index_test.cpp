#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bm25_oracle.h"
#include "retrieval/dense_scores.h"
#include "retrieval/posting_segment.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

/// Texts whose words follow Zipf's law, so that some stand in most texts and many in one.
class TextMaker {
public:
    std::string operator()() {
        std::string text;
        const auto nWords = 3 + m_random() % 40;
        for (std::size_t i = 0; i < nWords; ++i) {
            const double u = std::uniform_real_distribution<>(1e-3, 1.0)(m_random);
            text += "w" + std::to_string(static_cast<int>(1.0 / u)) + " ";
        }
        return text;
    }
    std::mt19937 m_random{17};
};

struct Text {
    ChunkId chunk;
    DocumentPlace place;
    std::string text;
};

void addTo(KeywordIndex& index, const Text& text) {
    index.add(text.place, std::vector{text.chunk}, std::vector{chunkTerms("", text.text)});
}

std::vector<QueryTerm> queryOf(std::initializer_list<const char*> words) {
    std::vector<QueryTerm> terms;
    for (const char* word : words) terms.push_back({word, 1.0});
    return terms;
}

const std::vector<std::vector<QueryTerm>> kQueries = {queryOf({"w1"}),
                                                      queryOf({"w2", "w7", "w30"}),
                                                      queryOf({"w999", "w1", "w4"}),
                                                      {{"w3", 0.25}, {"w5", 2.0}, {"w11", 1.0}}};

/// Scores and order, and what orders equal scores; ids may differ from index to index.
using Ranking = std::vector<std::tuple<double, std::uint64_t, std::string>>;

Ranking rankingOf(const KeywordIndex& index, const std::vector<QueryTerm>& query,
                  const std::map<ChunkId, std::string>& texts, int limit = 1000) {
    Ranking ranking;
    for (const ScoredChunk& hit : index.search(query, {}, limit).best) {
        ranking.emplace_back(hit.score, hit.order, texts.at(hit.chunk));
    }
    return ranking;
}

TEST(KeywordIndex, ScoresAsTheFormulaSays) {
    TextMaker make;
    KeywordIndex index;
    Bm25Oracle oracle;
    for (ChunkId chunk = 1; chunk <= 3000; ++chunk) {
        const Text text{chunk, {.document = chunk / 10}, make()};
        addTo(index, text);
        oracle.add(chunk, text.text);
        // A question in between makes a small segment of what came so far.
        if (chunk % 37 == 0) static_cast<void>(index.search(kQueries[0], {}, 1));
    }
    EXPECT_EQ(index.size(), 3000U);
    for (const auto& query : kQueries) {
        const auto expected = oracle.scores(query);
        const auto found = index.search(query, {}, 5000).best;
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            EXPECT_NEAR(found[i].score, expected.at(found[i].chunk), 1e-4);
            if (i > 0) {
                EXPECT_GE(found[i - 1].score, found[i].score);
            }
        }
        const auto few = index.search(query, {}, 7).best;
        ASSERT_EQ(few.size(), 7U);
        for (std::size_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i].chunk, found[i].chunk);
    }
}

TEST(KeywordIndex, DenseListsScoreAlikeOnEveryProcessor) {
    std::mt19937 random(5);
    for (const std::size_t nRows : {1U, 7U, 8U, 9U, 63U, 1001U}) {
        std::vector<std::uint8_t> counts((nRows + 1) / 2);
        std::vector<float> norms(nRows);
        std::vector<float> plain(nRows);
        for (auto& each : counts) each = static_cast<std::uint8_t>(random());
        for (auto& each : norms) each = 0.3F + static_cast<float>(random() % 1000) / 300.0F;
        for (auto& each : plain) each = static_cast<float>(random() % 1000) / 77.0F;
        std::vector<float> fast = plain;
        addDenseScoresScalar(counts.data(), norms.data(), nRows, 1.7F, plain.data());
        addDenseScores()(counts.data(), norms.data(), nRows, 1.7F, fast.data());
        EXPECT_EQ(fast, plain) << nRows;
    }
}

TEST(KeywordIndex, AListOfManyRowsIsDenseUnlessACountIsTooLarge) {
    constexpr std::size_t kRows = 101;
    std::vector<ChunkId> chunks(kRows);
    for (std::size_t i = 0; i < kRows; ++i) chunks[i] = static_cast<ChunkId>(i);
    const std::vector<std::uint32_t> lengths(kRows, 9);
    for (const std::uint32_t most : {1U, 15U, 16U, 300U}) {
        for (const std::size_t step : {1U, 3U, 5U, 50U}) {
            std::vector<Posting> postings;
            for (std::size_t row = 0; row < kRows; row += step) {
                postings.push_back({static_cast<Row>(row), row % 2 == 0 ? most : 1});
            }
            SegmentWriter writer(kRows);
            writer.add(7, postings);
            const auto segment = writer.finish(chunks, lengths);
            const PostingList list = segment->find(7);
            EXPECT_EQ(list.nPostings, postings.size());
            EXPECT_EQ(list.isDense, step < 5 && most < 16);
            std::vector<Posting> read;
            list.forEach([&](Row row, std::uint32_t count) { read.push_back({row, count}); });
            ASSERT_EQ(read.size(), postings.size());
            for (std::size_t i = 0; i < read.size(); ++i) {
                EXPECT_EQ(read[i].row, postings[i].row);
                EXPECT_EQ(read[i].count, postings[i].count);
            }
        }
    }
}

TEST(KeywordIndex, AMergedSegmentIsTheOneThatAWriterMakesOfAllRows) {
    std::mt19937 random(29);
    const std::vector<std::size_t> sizes = {40, 1, 200, 7, 90};
    std::vector<ChunkId> all;
    std::vector<std::vector<ChunkId>> chunks;
    for (const std::size_t n : sizes) {
        auto& own = chunks.emplace_back();
        for (std::size_t i = 0; i < n; ++i) own.push_back(static_cast<ChunkId>(3 * all.size() + i));
        all.insert(all.end(), own.begin(), own.end());
    }
    // Terms of every share of the rows, some with counts too large for dense lists, and one that
    // only some inputs have.
    std::vector<SegmentWriter> writers;
    for (const std::size_t n : sizes) writers.emplace_back(n);
    SegmentWriter whole(all.size());
    for (TermKey key = 1; key <= 60; ++key) {
        std::vector<Posting> ofAll;
        Row first = 0;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            std::vector<Posting> own;
            for (Row row = 0; row < sizes[i]; ++row) {
                if (random() % 60 >= key || (key % 7 == 0 && i % 2 == 0)) continue;
                const std::uint32_t count =
                    1 + random() % 2 * (random() % (key % 5 == 0 ? 300 : 9));
                own.push_back({row, count});
                ofAll.push_back({first + row, count});
            }
            if (!own.empty()) writers[i].add(key, own);
            first += static_cast<Row>(sizes[i]);
        }
        if (!ofAll.empty()) whole.add(key, ofAll);
    }
    const std::vector<std::uint32_t> lengths(all.size(), 12);
    std::vector<std::shared_ptr<const PostingSegment>> segments;
    std::vector<MergeInput> inputs;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        segments.push_back(writers[i].finish(chunks[i], std::span(lengths).first(sizes[i])));
        inputs.push_back({segments.back().get(), std::vector<std::uint8_t>(sizes[i], 1)});
    }
    const auto expected = whole.finish(all, lengths);
    const auto merged = mergeSegments(inputs);
    const auto bytesOf = [](const PostingSegment& segment) {
        return std::vector<std::byte>(segment.bytes().begin(), segment.bytes().end());
    };
    EXPECT_EQ(bytesOf(*merged), bytesOf(*expected));
    // Of those that are read from their bytes no list is known to end at a row.
    for (std::size_t i = 0; i < sizes.size(); i += 2) {
        segments[i] = *PostingSegment::fromBytes(bytesOf(*segments[i]));
        inputs[i].segment = segments[i].get();
    }
    EXPECT_EQ(bytesOf(*mergeSegments(inputs)), bytesOf(*expected));
}

TEST(KeywordIndex, OverlappingTermsDoNotLengthenAText) {
    KeywordIndex index;
    addTo(index, {1, {}, "a b c d e"});
    addTo(index, {2, {}, "住宿上限元"});
    const auto score = [&](const char* term) {
        return index.search(queryOf({term}), {}, 5).best.at(0).score;
    };
    EXPECT_EQ(score("b"), score("住"));
    EXPECT_EQ(index.search(queryOf({"住宿"}), {}, 5).best.at(0).chunk, 2);
    EXPECT_TRUE(index.search(queryOf({"宿住"}), {}, 5).best.empty());
}

TEST(KeywordIndex, FiltersByCollectionAndScoresGivenChunks) {
    KeywordIndex index;
    for (ChunkId chunk = 1; chunk <= 40; ++chunk) {
        addTo(index, {chunk, {.document = chunk, .collection = chunk % 4}, "anchor and rope"});
    }
    const std::vector<CollectionId> wanted = {1, 3};
    const std::vector<ChunkId> given = {2, 3, 99};
    const auto found = index.search(queryOf({"anchor"}), wanted, 100, given);
    EXPECT_EQ(found.best.size(), 20U);
    for (const ScoredChunk& hit : found.best) EXPECT_EQ(hit.chunk % 2, 1);
    ASSERT_EQ(found.given.size(), 2U) << "whatever their collection";
    EXPECT_EQ(found.given[0].score, found.best[0].score);
    index.move({.document = 2, .collection = 3});
    EXPECT_EQ(index.search(queryOf({"anchor"}), wanted, 100).best.size(), 21U);
    const std::vector<DocumentId> documents = {4, 5, 7, 11, 400};
    std::vector<ChunkId> both;
    for (const auto& hit : index.search(queryOf({"anchor"}), {wanted, &documents}, 100).best) {
        both.push_back(hit.chunk);
    }
    EXPECT_EQ(both, (std::vector<ChunkId>{5, 7, 11})) << "these documents, in these collections";
    const std::vector<DocumentId> none;
    EXPECT_TRUE(index.search(queryOf({"anchor"}), {wanted, &none}, 100).best.empty());
}

TEST(KeywordIndex, EqualScoresFollowTheDocumentsOrderAndThenTheChunks) {
    KeywordIndex index;
    addTo(index, {1, {.document = 1, .collection = 0, .order = 9}, "anchor"});
    addTo(index, {2, {.document = 1, .collection = 0, .order = 9}, "anchor"});
    addTo(index, {3, {.document = 2, .collection = 0, .order = 4}, "anchor"});
    std::vector<ChunkId> ids;
    for (const auto& hit : index.search(queryOf({"anchor"}), {}, 2).best) ids.push_back(hit.chunk);
    EXPECT_EQ(ids, (std::vector<ChunkId>{3, 1}));
}

/// Replaces, renames and deletes a tenth of the documents each, and asks for the very bits that an
/// index made of the outcome gives.
TEST(KeywordIndex, AfterChangesRanksBitForBitAsAFreshIndex) {
    constexpr int kDocuments = 2000;
    constexpr int kChunksOfDocument = 4;
    TextMaker make;
    KeywordIndex changed;
    std::map<DocumentId, std::vector<Text>> documents;
    ChunkId next = 1;
    const auto store = [&](DocumentId id) {
        std::vector<ChunkId> old;
        for (const Text& text : documents[id]) old.push_back(text.chunk);
        changed.remove(old);
        documents[id].clear();
        const DocumentPlace place{
            .document = id, .collection = 1, .order = static_cast<std::uint64_t>(id * 7919 % 4093)};
        for (int i = 0; i < kChunksOfDocument; ++i) {
            documents[id].push_back({next++, place, make()});
            addTo(changed, documents[id].back());
        }
    };
    for (DocumentId id = 0; id < kDocuments; ++id) store(id);
    changed.compact();
    for (DocumentId id = 0; id < kDocuments; id += 10) {
        store(id);
        if (id % 100 == 0) static_cast<void>(changed.search(kQueries[0], {}, 1));
        std::vector<ChunkId> gone;
        for (const Text& text : documents[id + 1]) gone.push_back(text.chunk);
        changed.remove(gone);
        documents.erase(id + 1);
        for (Text& text : documents[id + 2]) text.place.order += 5;
        changed.move(documents[id + 2].front().place);
    }
    const auto expectFresh = [&] {
        KeywordIndex fresh;
        std::map<ChunkId, std::string> freshTexts;
        std::map<ChunkId, std::string> texts;
        ChunkId id = 1;
        for (const auto& [document, chunks] : documents) {
            for (const Text& text : chunks) {
                addTo(fresh, {id, text.place, text.text});
                freshTexts[id++] = text.text;
                texts[text.chunk] = text.text;
            }
        }
        EXPECT_EQ(changed.size(), fresh.size());
        for (const auto& query : kQueries) {
            EXPECT_EQ(rankingOf(changed, query, texts), rankingOf(fresh, query, freshTexts));
        }
    };
    expectFresh();
    changed.compact();
    expectFresh();
}

TEST(KeywordIndex, KeptSegmentsBringBackTheIndex) {
    TextMaker make;
    KeywordIndex index;
    std::map<ChunkId, std::string> texts;
    for (ChunkId chunk = 1; chunk <= 500; ++chunk) {
        texts[chunk] = make();
        addTo(index, {chunk, {.document = chunk}, texts[chunk]});
    }
    index.remove(std::vector<ChunkId>{1, 77});
    index.compact();
    const auto pieces = index.toKeep();
    ASSERT_EQ(pieces.segments.size(), 1U);
    index.kept(pieces, std::vector<std::int64_t>{5});
    EXPECT_TRUE(index.toKeep().segments.empty());

    const auto bytes = KeywordIndex::bytesOf(*pieces.segments[0]);
    const auto placeOf = [](ChunkId chunk) -> std::optional<DocumentPlace> {
        if (chunk == 78) return std::nullopt;  // deleted since
        return DocumentPlace{.document = chunk};
    };
    KeywordIndex back;
    ASSERT_TRUE(back.addSegment({5, {bytes.begin(), bytes.end()}}, placeOf));
    EXPECT_EQ(back.size(), 497U);
    index.remove(std::vector<ChunkId>{78});
    for (const auto& query : kQueries) {
        EXPECT_EQ(rankingOf(back, query, texts), rankingOf(index, query, texts));
    }
    // What is here already does not come twice.
    ASSERT_TRUE(back.addSegment({6, {bytes.begin(), bytes.end()}}, placeOf));
    EXPECT_EQ(back.size(), 497U);
    EXPECT_EQ(back.toKeep().obsolete, (std::vector<std::int64_t>{6}));
    back.compact();
    EXPECT_EQ(back.toKeep().obsolete, (std::vector<std::int64_t>{6, 5})) << "merged anew";
}

TEST(KeywordIndex, RefusesDamagedSegments) {
    KeywordIndex index;
    for (ChunkId chunk = 1; chunk <= 20; ++chunk) addTo(index, {chunk, {}, "anchor rope sail"});
    const auto pieces = index.toKeep();
    const auto bytes = KeywordIndex::bytesOf(*pieces.segments[0]);
    const auto placeOf = [](ChunkId) { return std::optional(DocumentPlace{}); };
    KeywordIndex other;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::vector<std::byte> damaged(bytes.begin(), bytes.end());
        damaged[i] ^= std::byte{0x10};
        EXPECT_FALSE(other.addSegment({1, damaged}, placeOf)) << "byte " << i;
        damaged.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(other.addSegment({1, damaged}, placeOf)) << "cut at " << i;
    }
    EXPECT_EQ(other.size(), 0U);
}

TEST(KeywordIndex, IsSearchedWhileItChanges) {
    TextMaker make;
    KeywordIndex index;
    for (ChunkId chunk = 1; chunk <= 200; ++chunk)
        addTo(index, {chunk, {.document = chunk}, make()});
    std::jthread searcher([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            for (const auto& query : kQueries) {
                const auto found = index.search(query, {}, 10).best;
                EXPECT_TRUE(
                    std::is_sorted(found.begin(), found.end(),
                                   [](const auto& a, const auto& b) { return a.score > b.score; }));
            }
        }
    });
    for (ChunkId chunk = 201; chunk <= 1500; ++chunk) {
        addTo(index, {chunk, {.document = chunk}, make()});
        index.remove(std::vector<ChunkId>{chunk - 200});
        if (chunk % 500 == 0) index.compact();
    }
    EXPECT_EQ(index.size(), 200U);
}

}  // namespace
}  // namespace conclave::retrieval
