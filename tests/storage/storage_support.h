// storage_support.h: what the storage tests share.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/utf8.h"
#include "storage/storage.h"

namespace conclave::storage {

/// Words of ASCII letters and digits in lower case, a plural s cut; other characters one by one
/// and in overlapping pairs. Small, but with the traits that matter here: terms that differ from
/// the text, terms that overlap, and a term ("is" from "iss") that would change if it were
/// analyzed twice.
inline void analyzeForTests(std::string_view text, const TermSink& sink) {
    const auto isWord = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    for (std::size_t i = 0; i < text.size();) {
        if (static_cast<unsigned char>(text[i]) < 0x80) {
            const std::size_t start = i;
            std::string word;
            for (; i < text.size() && isWord(text[i]); ++i) {
                word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
            }
            if (i == start) {
                ++i;
                continue;
            }
            if (word.size() > 2 && word.back() == 's') word.pop_back();
            sink(word, start, i);
            continue;
        }
        const std::size_t start = i;
        std::ignore = nextCodePoint(text, i);
        sink(text.substr(start, i - start), start, i);
        if (i < text.size() && static_cast<unsigned char>(text[i]) >= 0x80) {
            std::size_t end = i;
            std::ignore = nextCodePoint(text, end);
            sink(text.substr(start, end - start), start, end);
        }
    }
}

/// A folder of its own for each test, gone afterwards.
class StorageTest : public testing::Test {
protected:
    StorageTest() {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        m_folder =
            std::filesystem::temp_directory_path() /
            ("conclave-storage-" + std::string(info->name()) + "-" + std::to_string(::getpid()));
        std::filesystem::remove_all(m_folder);
        std::filesystem::create_directories(m_folder);
    }
    ~StorageTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(m_folder, ignored);
    }

    [[nodiscard]] std::filesystem::path file(std::string_view name = "conclave.db") const {
        return m_folder / name;
    }

    [[nodiscard]] static Result<std::unique_ptr<Database>> tryOpen(
        const std::filesystem::path& path, int analyzerVersion = 1) {
        return Database::open(path,
                              {.analyzer = analyzeForTests, .analyzerVersion = analyzerVersion});
    }

    /// Opens or fails the test.
    [[nodiscard]] std::unique_ptr<Database> open(std::string_view name = "conclave.db") const {
        auto database = tryOpen(file(name));
        if (!database) {
            ADD_FAILURE() << database.error().detail;
            std::abort();
        }
        return std::move(*database);
    }

    std::filesystem::path m_folder;
};

/// The value, or the end of the test program with the reason.
template <typename T>
T valueOf(Result<T> result) {
    if (!result) {
        ADD_FAILURE() << errorName(result.error().code) << ": " << result.error().detail;
        std::abort();
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

template <typename T>
std::string problemOf(const Result<T>& result) {
    return result ? "no error" : result.error().detail;
}

#define EXPECT_OK(expression)                                                                      \
    do {                                                                                           \
        const auto expectOkResult = (expression);                                                  \
        EXPECT_TRUE(expectOkResult.has_value()) << ::conclave::storage::problemOf(expectOkResult); \
    } while (false)

#define EXPECT_FAILS(expression, expectedCode)                    \
    do {                                                          \
        const auto expectFailsResult = (expression);              \
        ASSERT_FALSE(expectFailsResult.has_value());              \
        EXPECT_EQ(expectFailsResult.error().code, expectedCode)   \
            << ::conclave::storage::problemOf(expectFailsResult); \
    } while (false)

/// Fails the test for each finding that is not well.
inline void expectSound(Database& database) {
    for (const Finding& finding : valueOf(database.check())) {
        EXPECT_TRUE(finding.ok) << finding.subject << ": " << finding.detail;
    }
}

/// The chunks whose text has one of `terms`, as an index made of what the store gives would find
/// them; ascending.
inline std::vector<ChunkId> chunksWith(DocumentStore& documents,
                                       const std::vector<std::string>& terms) {
    std::vector<ChunkId> ids;
    for (const ChunkPlace& place : valueOf(documents.chunkPlaces())) ids.push_back(place.chunk);
    std::vector<ChunkId> found;
    valueOf(documents.forEachText(
        ids, [&](ChunkId chunk, std::string_view heading, std::string_view text) {
            bool has = false;
            for (const std::string_view part : {heading, text}) {
                analyzeForTests(part, [&](std::string_view term, std::size_t, std::size_t) {
                    has = has || std::find(terms.begin(), terms.end(), term) != terms.end();
                });
            }
            if (has) found.push_back(chunk);
        }));
    return found;
}

/// A document of one page whose chunks are the lines of `text`.
inline DocumentContent contentOf(std::string text, std::string_view heading = "") {
    DocumentContent content;
    content.title = "Title";
    content.mime = "text/plain";
    content.sha256 = std::string(64, 'a');
    content.sizeBytes = text.size();
    content.modifiedNs = 1'700'000'000'123'456'789;
    content.embedder = "test-embedder";
    std::size_t start = 0;
    while (start < text.size()) {
        std::size_t end = text.find('\n', start);
        if (end == std::string::npos) end = text.size();
        NewChunk chunk{.page = 1,
                       .startByte = start,
                       .endByte = end,
                       .heading = std::string(heading),
                       .embedding = {}};
        for (std::size_t i = 0; i < 8; ++i) {
            chunk.embedding.push_back(static_cast<std::byte>(start + i));
        }
        if (end > start) content.chunks.push_back(std::move(chunk));
        start = end + 1;
    }
    content.pages.push_back({.number = 1, .text = std::move(text)});
    return content;
}

}  // namespace conclave::storage
