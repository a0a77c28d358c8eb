#include "storage/full_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include <sqlite3.h>

#include "base/log.h"

namespace conclave::storage {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;

// --------------------------------------------------------------------------------------- tokenizer

using SharedAnalyzer = std::shared_ptr<const Analyzer>;
using TokenCallback = int (*)(void*, int, const char*, int, int, int);

/// FTS5 hands out a pointer to an incomplete type; this is what it points to.
struct TermTokenizer {
    SharedAnalyzer analyzer;
};

int createTokenizer(void* shared, const char** /*arguments*/, int /*nArguments*/,
                    Fts5Tokenizer** tokenizer) {
    auto made =
        std::make_unique<TermTokenizer>(TermTokenizer{*static_cast<SharedAnalyzer*>(shared)});
    *tokenizer = reinterpret_cast<Fts5Tokenizer*>(made.release());
    return SQLITE_OK;
}

void deleteTokenizer(Fts5Tokenizer* tokenizer) {
    delete reinterpret_cast<TermTokenizer*>(tokenizer);
}

int tokenize(Fts5Tokenizer* tokenizer, void* context, int reason, const char* text, int nBytes,
             TokenCallback emit) {
    if (text == nullptr || nBytes <= 0) return SQLITE_OK;
    // A string in a query is one of our terms already. Analyzing it again could change it: the
    // stem of a stem is not always the stem.
    if ((reason & FTS5_TOKENIZE_QUERY) != 0) return emit(context, 0, text, nBytes, 0, nBytes);

    int status = SQLITE_OK;
    auto lastStart = std::numeric_limits<std::size_t>::max();  // none yet
    const TermSink sink = [&](std::string_view term, std::size_t startByte, std::size_t endByte) {
        if (status != SQLITE_OK || term.empty()) return;
        const bool first = lastStart == std::numeric_limits<std::size_t>::max();
        const bool colocated = !first && startByte <= lastStart;
        if (!colocated) lastStart = startByte;
        status = emit(context, colocated ? FTS5_TOKEN_COLOCATED : 0, term.data(),
                      static_cast<int>(term.size()), static_cast<int>(startByte),
                      static_cast<int>(endByte));
    };
    try {
        const auto& analyzer = *reinterpret_cast<TermTokenizer*>(tokenizer)->analyzer;
        analyzer(std::string_view(text, static_cast<std::size_t>(nBytes)), sink);
    } catch (const std::bad_alloc&) {
        return SQLITE_NOMEM;
    } catch (const std::exception& problem) {
        log().error("analyzer failed: {}", problem.what());
        return SQLITE_ERROR;
    }
    return status;
}

// ----------------------------------------------------------------------------------------- ranking

/// What a query's score needs of the whole index: one entry a phrase, kept while it runs.
struct QueryStatistics {
    std::vector<double> idf;
    double averageLength = 1.0;
};

int countRow(const Fts5ExtensionApi* /*api*/, Fts5Context* /*fts*/, void* count) {
    ++*static_cast<sqlite3_int64*>(count);
    return SQLITE_OK;
}

int gatherStatistics(const Fts5ExtensionApi* api, Fts5Context* fts, QueryStatistics& statistics) {
    sqlite3_int64 nRows = 0;
    sqlite3_int64 nTerms = 0;
    if (const int status = api->xRowCount(fts, &nRows); status != SQLITE_OK) return status;
    if (const int status = api->xColumnTotalSize(fts, -1, &nTerms); status != SQLITE_OK) {
        return status;
    }
    const auto rows = static_cast<double>(nRows);
    if (nRows > 0 && nTerms > 0) statistics.averageLength = static_cast<double>(nTerms) / rows;
    const int nPhrases = api->xPhraseCount(fts);
    for (int phrase = 0; phrase < nPhrases; ++phrase) {
        sqlite3_int64 nFound = 0;
        const int status = api->xQueryPhrase(fts, phrase, &nFound, countRow);
        if (status != SQLITE_OK) return status;
        // Lucene's form, never negative: FTS5's own bm25 gives nothing for a word that most texts
        // have, which in a collection of three documents is every word.
        const auto found = static_cast<double>(nFound);
        statistics.idf.push_back(std::log(1.0 + (rows - found + 0.5) / (found + 0.5)));
    }
    return SQLITE_OK;
}

int score(const Fts5ExtensionApi* api, Fts5Context* fts, double& total) {
    auto* statistics = static_cast<QueryStatistics*>(api->xGetAuxdata(fts, 0));
    if (statistics == nullptr) {
        auto made = std::make_unique<QueryStatistics>();
        if (const int status = gatherStatistics(api, fts, *made); status != SQLITE_OK) {
            return status;
        }
        statistics = made.release();
        const int status = api->xSetAuxdata(
            fts, statistics, [](void* old) { delete static_cast<QueryStatistics*>(old); });
        if (status != SQLITE_OK) return status;
    }
    int length = 0;
    if (const int status = api->xColumnSize(fts, -1, &length); status != SQLITE_OK) return status;
    const double norm = kK1 * (1.0 - kB + kB * length / statistics->averageLength);
    for (std::size_t phrase = 0; phrase < statistics->idf.size(); ++phrase) {
        int nTimes = 0;
        int column = 0;
        int position = 0;
        Fts5PhraseIter iterator{};
        const int status =
            api->xPhraseFirst(fts, static_cast<int>(phrase), &iterator, &column, &position);
        if (status != SQLITE_OK) return status;
        while (column >= 0) {
            ++nTimes;
            api->xPhraseNext(fts, &iterator, &column, &position);
        }
        if (nTimes > 0) total += statistics->idf[phrase] * nTimes * (kK1 + 1.0) / (nTimes + norm);
    }
    return SQLITE_OK;
}

void bm25(const Fts5ExtensionApi* api, Fts5Context* fts, sqlite3_context* result,
          int /*nArguments*/, sqlite3_value** /*arguments*/) {
    double total = 0.0;
    const int status = score(api, fts, total);
    if (status == SQLITE_OK) {
        sqlite3_result_double(result, total);
    } else {
        sqlite3_result_error_code(result, status);
    }
}

/// `term` as an FTS5 string; empty for what FTS5 cannot hold.
std::string asFtsString(std::string_view term) {
    if (term.empty() || term.find('\0') != std::string_view::npos) return {};
    std::string text = "\"";
    for (const char c : term) {
        text += c;
        if (c == '"') text += c;
    }
    return text += '"';
}

}  // namespace

Result<void> registerFullText(Connection& connection, SharedAnalyzer analyzer) {
    fts5_api* api = nullptr;
    Statement asked = connection.statement("SELECT fts5(?1)");
    asked.bindPointer(1, &api, "fts5_api_ptr");
    if (const auto row = asked.step(); !row) return pass(row);
    if (api == nullptr) return fail(ErrorCode::Unsupported, "this SQLite is built without FTS5");

    fts5_tokenizer functions{createTokenizer, deleteTokenizer, tokenize};
    auto shared = std::make_unique<SharedAnalyzer>(std::move(analyzer));
    int status = api->xCreateTokenizer(api, "conclave", shared.get(), &functions,
                                       [](void* old) { delete static_cast<SharedAnalyzer*>(old); });
    if (status == SQLITE_OK) {
        [[maybe_unused]] const auto* ownedByFts5 = shared.release();
        status = api->xCreateFunction(api, "conclave_bm25", nullptr, bm25, nullptr);
    }
    if (status != SQLITE_OK) return tl::unexpected(connection.error(status, "FTS5 set-up"));
    return {};
}

std::string allOf(std::span<const std::string> terms, bool prefix) {
    std::string query;
    for (const std::string& term : terms) {
        const std::string text = asFtsString(term);
        if (text.empty()) continue;
        if (!query.empty()) query += " AND ";
        query += text;
    }
    if (prefix && !query.empty()) query += " *";
    return query;
}

}  // namespace conclave::storage
