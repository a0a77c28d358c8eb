#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "retrieval/code_rows.h"
#include "retrieval/int8_dot.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

std::vector<float> randomUnit(std::mt19937& random, std::size_t dimension) {
    std::normal_distribution<float> normal;
    std::vector<float> vector(dimension);
    float squares = 0.0F;
    for (float& value : vector) {
        value = normal(random);
        squares += value * value;
    }
    for (float& value : vector) value /= std::sqrt(squares);
    return vector;
}

TEST(CodeRows, HoldWhatOneArrayWouldHold) {
    constexpr std::size_t kDimension = 2048;  // 512 rows a block
    CodeRows rows(kDimension);
    std::vector<std::int8_t> expected;  // the number that fills each row
    std::mt19937 random(5);
    const auto insert = [&](std::size_t row) {
        const auto value = static_cast<std::int8_t>(random() % 256 - 128);
        rows.insert(row);
        std::fill_n(rows.at(row), kDimension, value);
        expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(row), value);
    };
    const auto expectSame = [&] {
        ASSERT_EQ(rows.sizeBytes(), expected.size() * kDimension);
        for (std::size_t row = 0; row < expected.size(); ++row) {
            const auto isSame = [&](std::int8_t x) { return x == expected[row]; };
            ASSERT_TRUE(std::all_of(rows[row].begin(), rows[row].end(), isSame)) << row;
        }
    };
    for (std::size_t row = 0; row < 1100; ++row) insert(row);
    for (const std::size_t row : {0U, 511U, 512U, 700U, 1104U}) insert(row);
    expectSame();
    rows.copy(3, 1100);
    expected[3] = expected[1100];
    rows.truncate(512);
    expected.resize(512);
    expectSame();
    insert(512);
    insert(17);
    expectSame();
    rows.truncate(0);
    expected.clear();
    insert(0);
    expectSame();
}

TEST(Int8Dot, EveryKernelGivesTheScalarSum) {
    std::mt19937 random(7);
    std::uniform_int_distribution<int> code(-128, 127);
    std::uniform_int_distribution<int> query(-kMaxDotQuery, kMaxDotQuery);
    for (const std::size_t n : {0U, 1U, 31U, 32U, 33U, 100U, 255U, 256U, 2048U}) {
        std::vector<std::int8_t> a(n);
        std::vector<std::int16_t> b(n);
        for (auto& value : a) value = static_cast<std::int8_t>(code(random));
        for (auto& value : b) value = static_cast<std::int16_t>(query(random));
        EXPECT_EQ(int8Dot()(a.data(), b.data(), n), int8DotScalar(a.data(), b.data(), n)) << n;
    }
    const std::vector<std::int8_t> lowest(kMaxDotDimension, -128);
    const std::vector<std::int16_t> highest(kMaxDotDimension, kMaxDotQuery);
    EXPECT_EQ(int8Dot()(lowest.data(), highest.data(), kMaxDotDimension), -128 * 8191 * 2048)
        << "the largest sum still fits";
}

TEST(VectorIndex, FindsWhatExactSearchFinds) {
    constexpr std::size_t kDimension = 256;
    std::mt19937 random(11);
    VectorIndex index(kDimension);
    std::vector<std::vector<float>> vectors;
    for (int i = 0; i < 500; ++i) {
        vectors.push_back(randomUnit(random, kDimension));
        ASSERT_TRUE(
            index.add(i, {.document = i, .collection = i % 3}, encodeVector(vectors.back())));
    }
    for (int trial = 0; trial < 20; ++trial) {
        const std::vector<float> query = randomUnit(random, kDimension);
        const auto found = index.search(query, {}, 500);
        ASSERT_EQ(found.size(), 500U);
        for (const ScoredChunk& hit : found) {
            double cosine = 0.0;
            for (std::size_t i = 0; i < kDimension; ++i) {
                cosine += static_cast<double>(query[i]) *
                          static_cast<double>(vectors[static_cast<std::size_t>(hit.chunk)][i]);
            }
            EXPECT_NEAR(hit.score, cosine, 0.005);
        }
        const auto best = index.search(query, {}, 10);
        for (std::size_t i = 0; i < best.size(); ++i) {
            EXPECT_EQ(best[i].chunk, found[i].chunk) << "a smaller limit gives the same beginning";
        }
    }
}

TEST(VectorIndex, FiltersByCollection) {
    std::mt19937 random(3);
    VectorIndex index(64);
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(index.add(i, {.document = i, .collection = i % 4},
                              encodeVector(randomUnit(random, 64))));
    }
    const std::vector<CollectionId> wanted{1, 3};
    const auto found = index.search(randomUnit(random, 64), wanted, 100);
    EXPECT_EQ(found.size(), 50U);
    for (const ScoredChunk& hit : found) EXPECT_EQ(hit.chunk % 2, 1);
    const std::vector<DocumentId> documents = {4, 5, 7, 11, 400};
    std::set<ChunkId> both;
    for (const auto& hit : index.search(randomUnit(random, 64), {wanted, &documents}, 100)) {
        both.insert(hit.chunk);
    }
    EXPECT_EQ(both, (std::set<ChunkId>{5, 7, 11}));
}

TEST(VectorIndex, ReplacesAndRemoves) {
    std::mt19937 random(5);
    VectorIndex index(32);
    const auto a = randomUnit(random, 32);
    const auto b = randomUnit(random, 32);
    ASSERT_TRUE(index.add(1, {}, encodeVector(a)));
    ASSERT_TRUE(index.add(2, {}, encodeVector(b)));
    ASSERT_TRUE(index.add(1, {}, encodeVector(b)));
    EXPECT_EQ(index.size(), 2U);
    auto found = index.search(b, {}, 2);
    EXPECT_EQ(found[0].chunk, 1) << "equal scores: the lower id first";
    EXPECT_EQ(found[0].score, found[1].score);
    index.remove(std::vector<ChunkId>{1, 99});
    found = index.search(b, {}, 2);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].chunk, 2);
    const std::vector<ChunkId> asked{1, 2};
    EXPECT_EQ(index.scores(b, asked).size(), 1U);
    index.clear();
    EXPECT_EQ(index.size(), 0U);
}

TEST(VectorIndex, DoesNotRememberInWhichOrderRowsCame) {
    std::mt19937 random(7);
    std::vector<std::vector<float>> vectors;
    for (int i = 0; i < 400; ++i) vectors.push_back(randomUnit(random, 32));
    VectorIndex straight(32);
    VectorIndex other(32);
    const auto place = [](ChunkId i) {
        return DocumentPlace{.document = i / 4, .collection = 1, .order = 0};
    };
    for (ChunkId i = 0; i < 400; ++i) {
        if (i % 3 == 0) continue;
        ASSERT_TRUE(straight.add(i, place(i), encodeVector(vectors[static_cast<std::size_t>(i)])));
    }
    std::vector<ChunkId> gone;
    for (ChunkId i = 399; i >= 0; --i) {
        ASSERT_TRUE(other.add(i, place(i), encodeVector(vectors[static_cast<std::size_t>(i)])));
        if (i % 3 == 0) gone.push_back(i);
    }
    other.remove(gone);
    EXPECT_EQ(other.size(), straight.size());
    const auto query = randomUnit(random, 32);
    const auto expected = straight.search(query, {}, 400);
    const auto found = other.search(query, {}, 400);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].chunk, expected[i].chunk);
        EXPECT_EQ(found[i].score, expected[i].score);
        EXPECT_EQ(found[i].document, found[i].chunk / 4);
    }
}

/// Vectors as texts have them: around a few topics, so that some are near a query.
std::vector<float> nearTopic(std::mt19937& random, const std::vector<float>& topic) {
    std::vector<float> vector = randomUnit(random, topic.size());
    for (std::size_t i = 0; i < topic.size(); ++i) vector[i] += topic[i];
    return vector;
}

TEST(VectorIndex, AFirstPassFindsNearlyAllThatComparingAllFinds) {
    constexpr std::size_t kDimension = 256;
    constexpr int kLimit = 20;
    std::mt19937 random(23);
    std::vector<std::vector<float>> topics;
    for (int i = 0; i < 40; ++i) topics.push_back(randomUnit(random, kDimension));
    VectorIndex exact(kDimension);
    VectorIndex twoPasses(kDimension, 2000);
    const auto add = [&](ChunkId chunk, std::size_t topic) {
        const auto code = encodeVector(nearTopic(random, topics[topic]));
        const DocumentPlace place{.document = chunk / 10, .collection = chunk / 10 % 3};
        EXPECT_TRUE(exact.add(chunk, place, code));
        EXPECT_TRUE(twoPasses.add(chunk, place, code));
    };
    for (ChunkId chunk = 0; chunk < 8000; chunk += 2) {
        add(chunk, static_cast<std::size_t>(chunk) % topics.size());
    }
    ASSERT_TRUE(twoPasses.firstPass().isUsed);
    EXPECT_GE(twoPasses.firstPass().recall, 0.98);
    EXPECT_FALSE(exact.firstPass().isUsed);
    // What was replaced, removed, put in between and dropped must be right in both passes.
    for (ChunkId chunk = 1; chunk < 400; chunk += 2)
        add(chunk, static_cast<std::size_t>(chunk) % 40);
    for (ChunkId chunk = 0; chunk < 400; chunk += 4)
        add(chunk, static_cast<std::size_t>(chunk) % 37);
    std::vector<ChunkId> gone;
    for (ChunkId chunk = 100; chunk < 2400; chunk += 2) gone.push_back(chunk);
    exact.remove(gone);
    twoPasses.remove(gone);
    const std::vector<std::vector<CollectionId>> filters = {{}, {1}};
    for (const auto& collections : filters) {
        std::size_t nFound = 0;
        std::size_t nWanted = 0;
        for (const auto& topic : topics) {
            const std::vector<float> query = nearTopic(random, topic);
            const auto wanted = exact.search(query, collections, kLimit);
            const auto found = twoPasses.search(query, collections, kLimit);
            ASSERT_EQ(found.size(), wanted.size());
            for (const ScoredChunk& hit : wanted) {
                ++nWanted;
                for (const ScoredChunk& other : found) {
                    if (other.chunk != hit.chunk) continue;
                    ++nFound;
                    EXPECT_EQ(other.score, hit.score) << "the second pass scores exactly";
                }
            }
        }
        EXPECT_GE(static_cast<double>(nFound), 0.97 * static_cast<double>(nWanted));
    }
}

TEST(VectorIndex, ComparesAllWhereSignsTellTooLittle) {
    // All signs are the same, and a few large values decide.
    constexpr std::size_t kDimension = 64;
    constexpr ChunkId kChunks = 4000;
    std::mt19937 random(29);
    std::lognormal_distribution<float> size(0.0F, 2.0F);
    VectorIndex index(kDimension, kChunks);
    for (ChunkId chunk = 0; chunk < kChunks; ++chunk) {
        std::vector<float> vector(kDimension);
        float squares = 0.0F;
        for (float& value : vector) {
            value = size(random);
            squares += value * value;
        }
        for (float& value : vector) value /= std::sqrt(squares);
        ASSERT_TRUE(index.add(chunk, {.document = chunk}, encodeVector(vector)));
    }
    EXPECT_FALSE(index.firstPass().isUsed);
    EXPECT_LT(index.firstPass().recall, 0.98);
    EXPECT_EQ(index.search(std::vector<float>(kDimension, 1.0F), {}, 10).size(), 10U);
}

TEST(VectorIndex, RefusesDamagedCodes) {
    VectorIndex index(8);
    EXPECT_EQ(index.add(1, {}, std::vector<std::byte>(11)).error().code, ErrorCode::Corrupt);
    for (const float scale :
         {std::numeric_limits<float>::quiet_NaN(), -1.0F, std::numeric_limits<float>::infinity()}) {
        std::vector<std::byte> code(12);
        std::memcpy(code.data(), &scale, sizeof(scale));
        EXPECT_EQ(index.add(1, {}, code).error().code, ErrorCode::Corrupt);
    }
    EXPECT_EQ(index.size(), 0U);
}

TEST(VectorIndex, AQueryWithoutDirectionFindsNothing) {
    VectorIndex index(4);
    ASSERT_TRUE(index.add(1, {}, encodeVector(std::vector<float>{1, 0, 0, 0})));
    EXPECT_TRUE(index.search(std::vector<float>(4), {}, 5).empty());
}

}  // namespace
}  // namespace conclave::retrieval
