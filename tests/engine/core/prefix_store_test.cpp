// The prefix store alone: which pages of computed texts it keeps and finds.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/runtime/page_pool.h"
#include "engine/runtime/prefix_store.h"

namespace conclave::engine {
namespace {

constexpr int kStorePage = PrefixStore::kPageTokens;
constexpr std::size_t kSize = 4096;  ///< of the pages in these tests

std::vector<TokenId> counting(int n, TokenId first = 0) {
    std::vector<TokenId> tokens;
    for (int i = 0; i < n; ++i) tokens.push_back(first + i);
    return tokens;
}

/// A store, and sessions that leave pages which say where they are from.
class MarkedPages {
public:
    void keep(const std::vector<TokenId>& tokens, std::uint64_t budget, unsigned char mark = 1,
              std::uint64_t kind = 0) {
        std::vector<KvPages> pages;
        for (std::size_t first = 0; first < tokens.size(); first += kStorePage) {
            PagePool::Page page = m_pool->take(kSize);
            page.data()[0] = static_cast<std::byte>(mark);
            page.data()[1] = static_cast<std::byte>(first / kStorePage);
            pages.push_back({.whole = std::move(page), .local = {}});
        }
        store.keep(kind, tokens, pages, budget);
    }
    [[nodiscard]] std::uint64_t usedBytes() const { return m_pool->usedBytes(); }

    PrefixStore store;

private:
    std::shared_ptr<PagePool> m_pool = std::make_shared<PagePool>();
};

TEST(PrefixStore, FindsTheLongestBeginningInWholePages) {
    MarkedPages marked;
    PrefixStore& store = marked.store;
    marked.keep(counting(3 * kStorePage), 100 * kSize);
    EXPECT_EQ(store.sizeBytes(), 3 * kSize);
    EXPECT_EQ(store.find(0, counting(3 * kStorePage + 5)).pages.size(), 3U);
    EXPECT_EQ(store.find(0, counting(3 * kStorePage + 5)).nTokens, 3U * kStorePage);
    EXPECT_EQ(store.find(1, counting(3 * kStorePage)).nTokens, 0U) << "another kind";
    auto other = counting(3 * kStorePage);
    other[2 * kStorePage] = 9999;
    const auto found = store.find(0, other);
    ASSERT_EQ(found.pages.size(), 2U);
    EXPECT_EQ(found.nTokens, 2U * kStorePage);
    EXPECT_EQ(found.pages[1].whole.data()[1], std::byte{1});

    // A branch shares its beginning, and what is known is not kept again.
    marked.keep(other, 100 * kSize, 2);
    EXPECT_EQ(store.sizeBytes(), 4 * kSize);
    EXPECT_EQ(marked.usedBytes(), 4 * kSize);
    const auto branch = store.find(0, other).pages;
    EXPECT_EQ(branch[1].whole.data()[0], std::byte{1});
    EXPECT_EQ(branch[2].whole.data()[0], std::byte{2});
}

TEST(PrefixStore, FindsThePartOfAPageThatIsTheSame) {
    MarkedPages marked;
    PrefixStore& store = marked.store;
    marked.keep(counting(2 * kStorePage), 100 * kSize, 1);
    auto other = counting(2 * kStorePage);
    other[kStorePage + 70] = 9999;
    marked.keep(other, 100 * kSize, 2);
    for (const auto& [at, token, nTokens, mark] :
         {std::tuple{50, -1, 50, 1}, std::tuple{kStorePage + 30, 77, kStorePage + 30, 0},
          std::tuple{kStorePage + 90, 1, kStorePage + 90, 1}, std::tuple{0, 5, 0, 0}}) {
        auto asked = counting(2 * kStorePage);
        asked[static_cast<std::size_t>(at)] = token;
        const auto found = store.find(0, asked);
        EXPECT_EQ(found.nTokens, static_cast<std::size_t>(nTokens));
        EXPECT_EQ(found.pages.size(),
                  static_cast<std::size_t>((nTokens + kStorePage - 1) / kStorePage));
        if (mark == 0) continue;  // both begin so, or none
        EXPECT_EQ(found.pages.back().whole.data()[0], static_cast<std::byte>(mark));
    }
    // Like both up to a place, and like the second one further.
    other[kStorePage + 120] = 5;
    const auto found = store.find(0, other);
    EXPECT_EQ(found.nTokens, kStorePage + 120U);
    EXPECT_EQ(found.pages.back().whole.data()[0], std::byte{2});
    // Shorter than a page.
    EXPECT_EQ(store.find(0, counting(kStorePage - 1)).nTokens, kStorePage - 1U);
    EXPECT_EQ(store.find(0, counting(kStorePage + 1)).nTokens, kStorePage + 1U);
    EXPECT_EQ(store.find(0, {}).nTokens, 0U);
}

TEST(PrefixStore, KeepsAPageThatIsNotFullUntilMoreOfItIsKnown) {
    MarkedPages marked;
    PrefixStore& store = marked.store;
    const auto text = counting(kStorePage + 100);
    const auto part = [&](int n) {
        return std::vector<TokenId>(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
    };
    marked.keep(part(kStorePage + 20), 100 * kSize, 1);
    EXPECT_EQ(store.find(0, text).nTokens, kStorePage + 20U);
    auto other = part(kStorePage + 30);
    other[kStorePage + 10] = 9999;
    marked.keep(other, 100 * kSize, 2);
    EXPECT_EQ(store.sizeBytes(), 3 * kSize);
    // The same page with more tokens takes its place, one with fewer adds nothing.
    marked.keep(part(kStorePage + 60), 100 * kSize, 3);
    EXPECT_EQ(store.sizeBytes(), 3 * kSize);
    EXPECT_EQ(marked.usedBytes(), 3 * kSize);
    marked.keep(part(kStorePage + 40), 100 * kSize, 4);
    EXPECT_EQ(marked.usedBytes(), 3 * kSize);
    const auto found = store.find(0, text);
    EXPECT_EQ(found.nTokens, kStorePage + 60U);
    EXPECT_EQ(found.pages.back().whole.data()[0], std::byte{3});
    EXPECT_EQ(store.find(0, other).pages.back().whole.data()[0], std::byte{2});
    EXPECT_EQ(store.find(0, other).nTokens, other.size());
}

TEST(PrefixStore, ForgetsNothingThatIsKnownWhereASessionHasLostIt) {
    MarkedPages marked;
    PrefixStore& store = marked.store;
    const auto text = counting(3 * kStorePage);
    marked.keep(counting(kStorePage), 100 * kSize);
    const auto pool = std::make_shared<PagePool>();
    std::vector<KvPages> pages(3);
    for (const std::size_t i : {1U, 2U}) pages[i].whole = pool->take(kSize);
    store.keep(0, text, pages, 100 * kSize);
    EXPECT_EQ(store.find(0, text).nTokens, 3U * kStorePage);
    store.clear();
    store.keep(0, text, pages, 100 * kSize);
    EXPECT_EQ(store.find(0, text).nTokens, 0U) << "without its beginning it is worth nothing";
}

TEST(PrefixStore, DropsWhatWasUsedLongestAgoAndNeverGrowsPastItsBudget) {
    MarkedPages marked;
    PrefixStore& store = marked.store;
    constexpr std::uint64_t kBudget = 6 * kSize;
    const auto a = counting(3 * kStorePage, 0);
    const auto b = counting(3 * kStorePage, 10000);
    const auto c = counting(2 * kStorePage, 20000);
    marked.keep(a, kBudget);
    marked.keep(b, kBudget);
    EXPECT_EQ(store.find(0, a).pages.size(), 3U);  // now b is older
    marked.keep(c, kBudget);
    EXPECT_EQ(store.sizeBytes(), kBudget);
    EXPECT_EQ(store.find(0, a).pages.size(), 3U);
    EXPECT_EQ(store.find(0, c).pages.size(), 2U);
    EXPECT_EQ(store.find(0, b).pages.size(), 1U) << "leaves go first";
    // More than the budget holds: the beginning is what others can share.
    marked.keep(counting(50 * kStorePage, 50000), kBudget);
    EXPECT_EQ(store.sizeBytes(), kBudget);
    EXPECT_EQ(marked.usedBytes(), kBudget);
    EXPECT_EQ(store.find(0, counting(50 * kStorePage, 50000)).pages.size(), 6U);
    marked.keep(a, 0);
    EXPECT_EQ(store.sizeBytes(), 0U);
    EXPECT_EQ(marked.usedBytes(), 0U);
}

TEST(PrefixStore, ServesManyThreads) {
    MarkedPages marked;
    constexpr std::uint64_t kBudget = 7 * kSize;
    {
        std::vector<std::jthread> threads;
        for (unsigned seed = 0; seed < 4; ++seed) {
            threads.emplace_back([&, seed] {
                std::mt19937 random(seed);
                for (int i = 0; i < 300; ++i) {
                    const int n = static_cast<int>(random() % 24) * kStorePage / 4;
                    const auto tokens = counting(n, static_cast<TokenId>(random() % 3));
                    marked.keep(tokens, kBudget,
                                static_cast<unsigned char>(tokens.empty() ? 0 : tokens[0]));
                    for (const KvPages& page : marked.store.find(0, tokens).pages) {
                        EXPECT_EQ(page.whole.data()[0], static_cast<std::byte>(tokens[0]));
                    }
                    EXPECT_LE(marked.store.sizeBytes(), kBudget);
                    if (i % 50 == 49) marked.store.clear();
                }
            });
        }
    }
    marked.store.clear();
    EXPECT_EQ(marked.usedBytes(), 0U);
}

}  // namespace
}  // namespace conclave::engine
