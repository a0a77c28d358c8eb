#include "app/services/answer_sources.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "app/services/answerability.h"
#include "app/services/asked_document.h"
#include "app/services/file_scan.h"
#include "app/services/question.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;

/// The same document at a place that `last` has in it, whose rest may have been cut off.
bool isSamePlace(const StoredPassage& last, const StoredPassage& found) {
    return isPartOf(found, last) || (found.path == last.path && found.page == last.page &&
                                     found.startByte == last.startByte);
}

}  // namespace

StoredPassage storedPassage(const SearchHit& hit) {
    const Chunk& chunk = hit.chunk;
    return {.number = 0,
            .document = chunk.document,
            .path = chunk.path.string(),
            .title = chunk.title,
            .heading = chunk.heading,
            .page = chunk.page,
            .startByte = chunk.startByte,
            .endByte = chunk.endByte,
            .text = chunk.text,
            .score = hit.score};
}

std::string attachmentsName(ChatId chat) {
    return std::string(kHiddenPrefix) + "chat\n" + std::to_string(chat);
}

Result<std::vector<CollectionId>> SourceFinder::collectionsOf(const AnswerJob& job,
                                                              const ChatSettings& settings) {
    std::vector<CollectionId> collections;
    if (settings.collections) {
        collections = *settings.collections;
    } else {
        auto all = m_collections.visible();
        if (!all) return tl::unexpected(all.error());
        collections = std::move(*all);
    }
    const auto attachments = m_collections.find(attachmentsName(job.chat.id));
    if (!attachments) return tl::unexpected(attachments.error());
    if (*attachments) collections.push_back(**attachments);
    return collections;
}

Result<void> SourceFinder::bringUpToDate(const AnswerJob& job, const ChatSettings& settings) {
    const std::string& question = job.question.text;
    if (!job.retrieval || !job.attachments.empty() || isSmallTalk(question) ||
        bringsItsOwnText(question)) {
        return {};
    }
    const auto collections = collectionsOf(job, settings);
    if (!collections) return tl::unexpected(collections.error());
    if (collections->empty()) return {};
    job.report(AnswerStage::Kind::Searching);
    m_collections.bringUpToDate(*collections, job.stop.get_token());
    if (job.stop.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
    return {};
}

Result<AnswerSources> SourceFinder::find(const AnswerJob& job, const ChatSettings& settings,
                                         std::span<const PastTurn> history) {
    if (!job.attachments.empty()) return readAttachments(job);
    const std::string& question = job.asked;
    AnswerSources sources;
    if (!job.retrieval || isSmallTalk(question) || bringsItsOwnText(question)) return sources;

    SearchRequest request;
    auto collections = collectionsOf(job, settings);
    if (!collections) return tl::unexpected(collections.error());
    request.collections = std::move(*collections);
    if (request.collections.empty()) return sources;

    job.report(AnswerStage::Kind::Searching);
    request.query = searchQuery(question, history.empty() ? "" : history.back().question);
    request.limit = kAnswerSearchDepth;
    request.filter = settings.filter;
    const auto hits = m_library.search(request);
    if (!hits) return tl::unexpected(hits.error());
    const auto fits = m_library.fit(request.query, *hits);
    if (!fits) return tl::unexpected(fits.error());
    sources.wereSearched = true;
    sources.query = request.query;
    for (std::size_t i = 0; i < hits->size(); ++i) {
        if ((*fits)[i].isLikely()) sources.passages.push_back(storedPassage((*hits)[i]));
    }
    putAskedFirst(question, sources.passages);
    // Words of another language cannot be looked for: such passages were found by meaning alone.
    const bool hasKeywords =
        std::any_of(fits->begin(), fits->end(), [](const auto& fit) { return fit.hasKeyword; });
    if (request.query == question && !sources.passages.empty() && hasKeywords) {
        const auto least = thresholdOf(m_database, request.collections);
        if (!least) return tl::unexpected(least.error());
        const auto reached = m_library.answerability(question, *hits);
        if (!reached) return tl::unexpected(reached.error());
        sources.answerability = *reached;
        sources.threshold = *least;
    }
    if (!history.empty() && !history.back().passages.empty() && isFollowUp(question)) {
        const std::vector<StoredPassage>& last = history.back().passages;
        sources.keepsLast =
            sources.passages.empty() ||
            std::any_of(last.begin(), last.end(), [&](const StoredPassage& passage) {
                return isSamePlace(passage, sources.passages.front());
            });
    }
    return sources;
}

std::vector<StoredPassage> SourceFinder::widerOf(const StoredPassage& passage) {
    std::vector<StoredPassage> wider;
    if (!passage.document) return wider;
    const auto around = m_database.documents().surroundings(*passage.document, passage.page,
                                                            passage.startByte, passage.endByte);
    const auto textOf = [&](std::size_t start, std::size_t end) {
        return std::string_view(around->page).substr(start, end - start);
    };
    if (!around || textOf(passage.startByte, passage.endByte) != passage.text) return wider;
    const auto add = [&](std::size_t start, std::size_t end) {
        if (start == passage.startByte && end == passage.endByte) return;
        StoredPassage more = passage;
        more.startByte = start;
        more.endByte = end;
        more.text = std::string(textOf(start, end));
        wider.push_back(std::move(more));
    };
    constexpr std::string_view kSpace = " \t\r\n\f";
    const std::size_t first = around->page.find_first_not_of(kSpace);
    const std::size_t last = around->page.find_last_not_of(kSpace);
    if (first == std::string::npos) return wider;
    // A whole file may be one page; what cannot fit any model's budget is not counted in tokens.
    constexpr std::size_t kMostBytes = 40'000;
    if (last + 1 - first <= kMostBytes) {
        add(std::min(first, passage.startByte), std::max(last + 1, passage.endByte));
    }
    add(around->startByte, around->endByte);
    add(passage.startByte, around->endByte);
    add(around->startByte, passage.endByte);
    return wider;
}

Result<AnswerSources> SourceFinder::readAttachments(const AnswerJob& job) {
    job.report(AnswerStage::Kind::Searching);
    const auto collection = m_collections.ensure(attachmentsName(job.chat.id));
    if (!collection) return tl::unexpected(collection.error());
    const auto report = m_collections.indexNow(*collection, job.attachments, job.stop.get_token());
    if (!report) return tl::unexpected(report.error());
    if (report->stopped) return fail(ErrorCode::Cancelled, "stopped while reading attachments");

    const auto isAttached = [&](const fs::path& path) {
        return std::any_of(job.attachments.begin(), job.attachments.end(),
                           [&](const fs::path& each) { return isWithin(path, tidyPath(each)); });
    };
    for (const auto& [path, why] : report->failed) {
        if (isAttached(path)) {
            return fail(ErrorCode::Unreadable,
                        path.filename().string() + " could not be read: " + why);
        }
    }
    constexpr int kDeep = 64;
    const auto hits =
        m_library.search({.query = job.asked, .collections = {*collection}, .limit = kDeep});
    if (!hits) return tl::unexpected(hits.error());
    const auto fits = m_library.fit(job.asked, *hits);
    if (!fits) return tl::unexpected(fits.error());
    AnswerSources sources;
    sources.wereSearched = true;
    for (std::size_t i = 0; i < hits->size(); ++i) {
        if ((*fits)[i].hasKeyword && isAttached((*hits)[i].chunk.path)) {
            sources.passages.push_back(storedPassage((*hits)[i]));
        }
    }
    if (!sources.passages.empty()) return sources;

    // "Summarise this": no word of it is in the text, so the text is read from its beginning.
    const auto documents = m_database.documents().documents(*collection);
    if (!documents) return tl::unexpected(documents.error());
    for (const Document& document : *documents) {
        if (!isAttached(document.path)) continue;
        const auto chunks = m_database.documents().chunksOf(document.id);
        if (!chunks) return tl::unexpected(chunks.error());
        for (const Chunk& chunk : *chunks) {
            if (sources.passages.size() >= kAnswerSearchDepth) break;
            sources.passages.push_back(storedPassage({.chunk = chunk}));
        }
    }
    return sources;
}

}  // namespace conclave::services
