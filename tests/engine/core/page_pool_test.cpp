// The memory of KV caches: counted holders, and memory that goes back to the system.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/page_pool.h"

namespace conclave::engine {
namespace {

using Page = PagePool::Page;

TEST(PagePool, CountsAPageOnceHoweverManyHoldIt) {
    const auto pool = std::make_shared<PagePool>();
    constexpr std::size_t kSize = 100'096;
    Page page = pool->take(kSize);
    ASSERT_TRUE(page);
    EXPECT_EQ(page.sizeBytes(), kSize);
    EXPECT_FALSE(page.isShared());
    {
        const Page other = page;  // NOLINT(performance-unnecessary-copy-initialization)
        EXPECT_TRUE(page.isShared());
        EXPECT_TRUE(other.isShared());
        EXPECT_EQ(other.data(), page.data());
        EXPECT_EQ(pool->usedBytes(), kSize);
    }
    EXPECT_FALSE(page.isShared());
    Page moved = std::move(page);
    EXPECT_FALSE(moved.isShared());
    const Page second = pool->take(kSize);
    EXPECT_EQ(pool->usedBytes(), 2 * kSize);
    moved = {};
    EXPECT_EQ(pool->usedBytes(), kSize);
    EXPECT_EQ(Page().sizeBytes(), 0U);
    EXPECT_FALSE(Page().isShared());
}

TEST(PagePool, GivesEveryHolderItsOwnMemoryWhateverTheSizes) {
    const auto pool = std::make_shared<PagePool>();
    std::vector<Page> pages;
    std::uint64_t used = 0;
    for (const std::size_t size : {64UL, 4096UL, 700'032UL, 2UL << 20U, 1'300'480UL, 5'000'192UL}) {
        for (int i = 0; i < 5; ++i) {
            pages.push_back(pool->take(size));
            ASSERT_TRUE(pages.back());
            std::memset(pages.back().data(), static_cast<int>(pages.size()), size);
            used += size;
        }
    }
    EXPECT_EQ(pool->usedBytes(), used);
    for (std::size_t i = 0; i < pages.size(); ++i) {
        const auto* data = pages[i].data();
        EXPECT_TRUE(std::all_of(data, data + pages[i].sizeBytes(),
                                [&](std::byte value) { return value == std::byte(i + 1); }));
    }
    pages.clear();
    EXPECT_EQ(pool->usedBytes(), 0U);
    EXPECT_TRUE(pool->take(64));
}

TEST(PagePool, RefusesWhatTheSystemDoesNotGive) {
    const auto pool = std::make_shared<PagePool>();
    EXPECT_FALSE(pool->take(std::size_t{1} << 60U));
    EXPECT_EQ(pool->usedBytes(), 0U);
    EXPECT_TRUE(pool->take(4096));
}

TEST(PagePool, GivesMemoryBackToTheSystem) {
    const auto pool = std::make_shared<PagePool>();
    const auto mappedBytes = [] {
        std::ifstream file("/proc/self/statm");
        std::uint64_t nPages = 0;
        file >> nPages;
        return nPages * 4096;
    };
    constexpr std::size_t kSize = std::size_t{3} << 20U;
    const std::uint64_t before = mappedBytes();
    std::vector<Page> pages;
    for (int i = 0; i < 64; ++i) pages.push_back(pool->take(kSize));
    EXPECT_GE(mappedBytes(), before + 64 * kSize);
    // At most an eighth of a mapping is not used.
    EXPECT_LE(mappedBytes(), before + 64 * kSize * 8 / 7 + (32U << 20U));
    pages.clear();
    EXPECT_LE(mappedBytes(), before + (16U << 20U));
}

TEST(PagePool, OutlivesWhoMadeItAsLongAsAPageIsHeld) {
    auto pool = std::make_shared<PagePool>();
    Page page = pool->take(4096);
    const std::weak_ptr<PagePool> seen = pool;
    pool.reset();
    page.data()[4095] = std::byte{7};
    EXPECT_EQ(page.data()[4095], std::byte{7});
    page = {};
    EXPECT_TRUE(seen.expired());
}

TEST(PagePool, ServesManyThreads) {
    const auto pool = std::make_shared<PagePool>();
    const Page common = pool->take(8192);
    std::memset(common.data(), 5, 8192);
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&, thread] {
                for (int round = 0; round < 300; ++round) {
                    std::vector<Page> held(4, common);
                    for (Page& page : held) {
                        Page own = pool->take(8192);
                        std::memcpy(own.data(), page.data(), 8192);
                        own.data()[0] = static_cast<std::byte>(thread);
                        page = std::move(own);
                    }
                    for (const Page& page : held) {
                        EXPECT_EQ(page.data()[0], static_cast<std::byte>(thread));
                        EXPECT_EQ(page.data()[8191], std::byte{5});
                    }
                }
            });
        }
    }
    EXPECT_EQ(common.data()[0], std::byte{5});
    EXPECT_FALSE(common.isShared());
    EXPECT_EQ(pool->usedBytes(), 8192U);
}

}  // namespace
}  // namespace conclave::engine
