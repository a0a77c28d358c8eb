#include "app/services/answer.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "app/services/answerability.h"
#include "app/services/file_scan.h"
#include "app/services/question.h"
#include "base/log.h"
#include "base/utf8.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSearchDepth = 16;  ///< hits looked at for one answer
/// A passage without a word of the question counts only from this cosine on, as when question and
/// document are in different languages.
constexpr double kLeastCosine = 0.45;

StoredPassage toStored(const SearchHit& hit) {
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

/// What stands above passages that are shown instead of an answer, in the question's language.
std::string withoutModel(std::string_view question, const std::string& reason) {
    if (isChinese(question))
        return "现在没有模型能够回答：" + reason + "。\n\n以下是与问题最相符的段落：";
    return "No model can answer now: " + reason + ".\n\nThese passages fit the question best:";
}

std::string inEnglishOnly(std::string_view question, const std::string& model, bool hasPassages) {
    if (isChinese(question)) {
        return model +
               " 是演示模型，只懂英文，所以没有写出回答。要得到中文回答，请添加一个更大的模型。" +
               (hasPassages ? "\n\n以下是与问题最相符的段落：" : "");
    }
    return model +
           " is a demonstration model that reads English only, so it has written no answer; a "
           "larger model will." +
           (hasPassages ? "\n\nThese passages fit the question best:" : "");
}

std::string notInDocuments(std::string_view question) {
    if (isChinese(question)) return "文档中没有找到这个问题的答案。\n\n最接近的段落：";
    return "I could not find an answer to this in your documents.\n\nThese passages come nearest:";
}

/// The passage's text without its line breaks and heading marks.
std::string singleLine(std::string_view text) {
    std::string line;
    while (!text.empty()) {
        const std::size_t newline = std::min(text.find('\n'), text.size());
        std::string_view part = text.substr(0, newline);
        text.remove_prefix(std::min(newline + 1, text.size()));
        part.remove_prefix(std::min(part.find_first_not_of("# \t\r"), part.size()));
        if (part.empty()) continue;
        if (!line.empty()) line += ' ';
        line += part;
    }
    return line;
}

bool isSamePlace(const StoredPassage& a, const StoredPassage& b) {
    return a.path == b.path && a.page == b.page && a.startByte == b.startByte;
}

std::vector<StoredCitation> citationsOf(std::string_view text,
                                        std::span<const StoredPassage> passages) {
    std::vector<StoredCitation> stored;
    for (retrieval::Citation& c : retrieval::checkCitations(text, toPassages(passages))) {
        stored.push_back({.answerStart = c.answerStart,
                          .answerEnd = c.answerEnd,
                          .passage = c.passage,
                          .quoteStart = c.quoteStart,
                          .quoteEnd = c.quoteEnd,
                          .quote = std::move(c.quote),
                          .supported = c.supported});
    }
    return stored;
}

/// Shows the growing text to the listener about 30 times a second and commits it to the database
/// more than twice a second. Citations are corrected as their brackets close.
class StreamedText {
public:
    StreamedText(storage::ChatStore& chats, const AnswerJob& job, std::string start,
                 std::span<const StoredPassage> passages)
        : m_chats(chats),
          m_job(job),
          m_passages(toPassages(passages)),
          m_written(start),
          m_text(std::move(start)) {}

    /// What the model has written so far: its thoughts, and an answer that only grows.
    void show(const engine::ChatOutput& output, bool isThinking) {
        const Clock::time_point now = Clock::now();
        if (m_nPieces == 0) m_first = now;
        ++m_nPieces;
        m_thought = output.reasoning;
        m_isThinking = isThinking;
        const std::string_view piece = std::string_view(output.content).substr(m_nAnswered);
        m_nAnswered = output.content.size();
        m_written += piece;
        m_text += piece;
        if (!m_passages.empty() && (piece.find(']') != std::string_view::npos ||
                                    piece.find(kWideClose) != std::string_view::npos)) {
            m_text = retrieval::reattribute(m_written, m_passages);
        }
        constexpr auto kShowEvery = std::chrono::milliseconds(33);
        constexpr auto kCommitEvery = std::chrono::milliseconds(350);
        if (now - m_shown >= kShowEvery) {
            m_shown = now;
            if (m_job.events.onText) m_job.events.onText(withThought(settled()), speed(now));
        }
        if (now - m_committed >= kCommitEvery) {
            m_committed = now;
            auto saved = m_chats.updateMessage(m_job.answer.id, withThought(m_text),
                                               MessageState::Streaming);
            if (!saved) log().warn("an answer could not be saved: {}", saved.error().detail);
        }
    }

    void showLast(double tokensPerSecond) const {
        if (m_job.events.onText) m_job.events.onText(withThought(m_text), tokensPerSecond);
    }

    [[nodiscard]] const std::string& text() const { return m_text; }

private:
    static constexpr std::string_view kWideClose = "】";

    /// While it is written, a thought stands before the answer, between marks.
    [[nodiscard]] std::string withThought(const std::string& text) const {
        if (m_thought.empty()) return text;
        const std::string thought = "<think>\n" + m_thought;
        return m_isThinking ? thought : thought + "\n</think>\n\n" + text;
    }

    /// The text without a citation whose bracket has not closed yet: its number may change.
    [[nodiscard]] std::string settled() const {
        constexpr std::size_t kLongestMark = 12;  // bytes
        const std::size_t from = m_text.size() > kLongestMark ? m_text.size() - kLongestMark : 0;
        const std::size_t open = std::min(m_text.find('[', from), m_text.find("【", from));
        const bool isOpen = open != std::string::npos &&
                            m_text.find(']', open) == std::string::npos &&
                            m_text.find(kWideClose, open) == std::string::npos;
        return isOpen ? m_text.substr(0, open) : m_text;
    }

    [[nodiscard]] double speed(Clock::time_point now) const {
        const double seconds = std::chrono::duration<double>(now - m_first).count();
        return seconds > 0 ? (m_nPieces - 1) / seconds : 0.0;
    }

    storage::ChatStore& m_chats;
    const AnswerJob& m_job;
    std::vector<retrieval::Passage> m_passages;
    std::string m_thought;
    bool m_isThinking = false;
    std::size_t m_nAnswered = 0;  ///< bytes of the model's answer that are in m_written
    std::string m_written;        ///< by the model
    std::string m_text;           ///< as it is shown and stored
    int m_nPieces = 0;
    Clock::time_point m_first;
    Clock::time_point m_shown;
    Clock::time_point m_committed;
};

void reportStage(const AnswerJob& job, AnswerStage::Kind kind, float progress = 0.0f) {
    if (job.events.onStage) job.events.onStage({kind, progress});
}

}  // namespace

std::string attachmentsName(ChatId chat) {
    return std::string(kHiddenPrefix) + "chat\n" + std::to_string(chat);
}

Answerer::Answerer(storage::Database& database, Library& library,
                   CollectionServiceImpl& collections, ModelServiceImpl& models,
                   SavedSessions& saved, int contextLength, int nThreads)
    : m_database(database),
      m_library(library),
      m_collections(collections),
      m_models(models),
      m_surveyor(database, library),
      m_sessions(contextLength, nThreads, saved) {}

Result<Message> Answerer::run(AnswerJob& job) {
    Result<Message> result = answer(job);
    if (result) return result;
    const Error error = result.error();
    storage::ChatStore& chats = m_database.chats();
    const auto written = chats.message(job.answer.id);
    const std::string text = written ? written->text : std::string();
    if (error.code == ErrorCode::Cancelled) {
        auto saved = chats.updateMessage(job.answer.id, text, MessageState::Stopped);
        if (!saved) return tl::unexpected(saved.error());
        return chats.message(job.answer.id);
    }
    auto saved = chats.updateMessage(job.answer.id, text, MessageState::Failed, error.detail);
    if (!saved) log().error("a failed answer could not be saved: {}", saved.error().detail);
    return result;
}

Result<Message> Answerer::answer(AnswerJob& job) {
    const ChatSettings settings = ChatSettings::fromJson(job.chat.settings);
    auto branch = m_database.chats().branch(job.question.id);
    if (!branch) return tl::unexpected(branch.error());
    branch->pop_back();  // the question itself
    std::vector<PastTurn> history = turnsOf(*branch);

    auto surveyed = survey(job, settings);
    if (!surveyed) return tl::unexpected(surveyed.error());
    if (*surveyed) return std::move(**surveyed);
    auto sources = findSources(job, settings, history);
    if (!sources) return tl::unexpected(sources.error());

    if (m_models.status().state != ModelStatus::State::Ready) {
        reportStage(job, AnswerStage::Kind::LoadingModel);
    }
    auto model = m_models.loaded(job.stop.get_token(), [&](float progress) {
        reportStage(job, AnswerStage::Kind::LoadingModel, progress);
    });
    if (!model) {
        const Error& error = model.error();
        if (error.code != ErrorCode::Cancelled && !sources->passages.empty()) {
            return showPassages(job, std::move(*sources),
                                withoutModel(job.question.text, error.detail));
        }
        return tl::unexpected(error);
    }
    return write(job, settings, std::move(history), std::move(*sources), *model);
}

Result<std::vector<CollectionId>> Answerer::collectionsOf(const AnswerJob& job,
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

Result<std::optional<Message>> Answerer::survey(AnswerJob& job, const ChatSettings& settings) {
    std::optional<Message> none;
    if (!job.retrieval || job.scope == Scope::Passages || !job.attachments.empty()) return none;
    auto collections = collectionsOf(job, settings);
    if (!collections) return tl::unexpected(collections.error());
    if (collections->empty()) return none;
    SurveyRequest request;
    request.question = job.question.text;
    request.collections = std::move(*collections);
    request.isForced = job.scope == Scope::Everything;
    request.cancel = job.stop.get_token();
    request.onProgress = [&](const std::string& text, float progress) {
        reportStage(job, AnswerStage::Kind::Surveying, progress);
        if (job.events.onText) job.events.onText(text, 0.0);
    };
    auto surveyed = m_surveyor.answer(request);
    if (!surveyed) return tl::unexpected(surveyed.error());
    if (!*surveyed) return none;
    SurveyAnswer& answer = **surveyed;
    AnswerDetails details;
    details.usage = usageToJson({});
    details.usage["survey"] = std::move(answer.account);
    details.finishReason = kSurveyReason;
    details.passages = std::move(answer.report.passages);
    details.citations = std::move(answer.report.citations);
    if (job.events.onPassages) job.events.onPassages(details.passages);
    auto stored =
        store(job, answer.report.text,
              answer.isComplete ? MessageState::Complete : MessageState::Stopped, details);
    if (!stored) return tl::unexpected(stored.error());
    return std::optional<Message>(std::move(*stored));
}

Result<Answerer::Sources> Answerer::findSources(AnswerJob& job, const ChatSettings& settings,
                                                std::span<const PastTurn> history) {
    if (!job.attachments.empty()) return readAttachments(job);
    const std::string& question = job.question.text;
    Sources sources;
    if (!job.retrieval || isSmallTalk(question) || bringsItsOwnText(question)) return sources;

    SearchRequest request;
    auto collections = collectionsOf(job, settings);
    if (!collections) return tl::unexpected(collections.error());
    request.collections = std::move(*collections);
    if (request.collections.empty()) return sources;

    reportStage(job, AnswerStage::Kind::Searching);
    request.query = searchQuery(question, history.empty() ? "" : history.back().question);
    request.limit = kSearchDepth;
    const auto hits = m_library.search(request);
    if (!hits) return tl::unexpected(hits.error());
    const auto fits = m_library.fit(request.query, *hits);
    if (!fits) return tl::unexpected(fits.error());
    sources.wereSearched = true;
    for (std::size_t i = 0; i < hits->size(); ++i) {
        const Library::Fit& fit = (*fits)[i];
        if (fit.hasKeyword || fit.cosine >= kLeastCosine) {
            sources.passages.push_back(toStored((*hits)[i]));
        }
    }
    if (request.query == question && !sources.passages.empty()) {
        const auto least = thresholdOf(m_database, request.collections);
        if (!least) return tl::unexpected(least.error());
        const auto reached = m_library.answerability(question, *hits);
        if (!reached) return tl::unexpected(reached.error());
        sources.areTooFar = *reached < *least;
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

Result<Answerer::Sources> Answerer::readAttachments(AnswerJob& job) {
    reportStage(job, AnswerStage::Kind::Searching);
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
            return fail(ErrorCode::Io, path.filename().string() + " could not be read: " + why);
        }
    }
    constexpr int kDeep = 64;
    const auto hits = m_library.search(
        {.query = job.question.text, .collections = {*collection}, .limit = kDeep});
    if (!hits) return tl::unexpected(hits.error());
    const auto fits = m_library.fit(job.question.text, *hits);
    if (!fits) return tl::unexpected(fits.error());
    Sources sources;
    sources.wereSearched = true;
    for (std::size_t i = 0; i < hits->size(); ++i) {
        if ((*fits)[i].hasKeyword && isAttached((*hits)[i].chunk.path)) {
            sources.passages.push_back(toStored((*hits)[i]));
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
            if (sources.passages.size() >= kSearchDepth) break;
            sources.passages.push_back(toStored({.chunk = chunk}));
        }
    }
    return sources;
}

Result<Message> Answerer::write(AnswerJob& job, const ChatSettings& settings,
                                std::vector<PastTurn> history, Sources sources,
                                const std::shared_ptr<const engine::Model>& model) {
    const bool nothingFound =
        sources.wereSearched && sources.passages.empty() && !sources.keepsLast;
    if (nothingFound && profileOf(model->info(), 1).isDemonstration) {
        return sayNothingFound(job, model->info());
    }
    if (profileOf(model->info(), 1).isDemonstration && !isInLatinLetters(job.question.text)) {
        const bool hasPassages = !sources.passages.empty();
        return showPassages(job, std::move(sources),
                            inEnglishOnly(job.question.text, model->info().name, hasPassages));
    }
    if (sources.areTooFar && !sources.keepsLast) {
        return showPassages(job, std::move(sources), notInDocuments(job.question.text));
    }
    // It knows no conversation from a list of examples: older turns only lead it astray.
    if (profileOf(model->info(), 1).isDemonstration && !sources.keepsLast &&
        !isFollowUp(job.question.text)) {
        history.clear();
    }
    const auto session = m_sessions.take(job.chat.id, model, m_models.adapters());
    if (!session) {
        if (sources.passages.empty()) return tl::unexpected(session.error());
        return showPassages(job, std::move(sources),
                            withoutModel(job.question.text, session.error().detail));
    }
    const int contextLength = (*session)->contextLength();
    const ModelProfile profile = profileOf(model->info(), contextLength);
    const int maxTokens = settings.maxTokens.value_or(profile.maxTokens);
    const auto prompt =
        composePrompt(*model, profile,
                      {.systemPrompt = settings.systemPrompt.value_or(std::string()),
                       .history = std::move(history),
                       .question = job.question.text,
                       .passages = std::move(sources.passages),
                       .keepsSources = sources.keepsLast,
                       .sourcesSecret = profile.isDemonstration ? "" : sourcesSecret(),
                       .contextLength = contextLength,
                       .maxTokens = std::clamp(maxTokens, 1, std::max(contextLength / 4, 1))});
    if (!prompt) return tl::unexpected(prompt.error());

    AnswerDetails details;
    details.model = model->info().name;
    details.modelFile = m_models.status().model.file.string();
    details.passages = prompt->passages;
    ChatSettings used;
    used.sampling = settings.sampling.value_or(profile.sampling);
    details.sampling = used.toJson()["sampling"];
    // Stored now, so that an answer that is cut short keeps its sources.
    if (auto saved = m_database.chats().setAnswerDetails(job.answer.id, details); !saved) {
        return tl::unexpected(saved.error());
    }
    if (job.events.onPassages) job.events.onPassages(prompt->passages);
    reportStage(job, AnswerStage::Kind::Reading);

    StreamedText stream(m_database.chats(), job,
                        nothingFound ? "I could not find anything about this in your documents; "
                                       "what follows is the model's own.\n\n"
                                     : "",
                        details.passages);
    bool isWriting = false;
    const auto parser = model->outputParser(prompt->tokens);
    engine::GenerateRequest request;
    request.prompt = prompt->tokens;
    request.sampling = *used.sampling;
    request.maxTokens = maxTokens;
    request.stopOnRepetition = profile.stopOnRepetition;
    request.showControlTokens = parser->needsControlTokens();
    request.cancel = job.stop.get_token();
    request.onPrefill = [&](int done, int total) {
        reportStage(job, AnswerStage::Kind::Reading,
                    static_cast<float>(done) / static_cast<float>(std::max(total, 1)));
    };
    request.onText = [&](std::string_view piece) {
        if (!isWriting) reportStage(job, AnswerStage::Kind::Writing);
        isWriting = true;
        parser->add(piece);
        stream.show(parser->output(), parser->isThinking());
    };
    const auto result = (*session)->generate(request);
    if (!result) return tl::unexpected(result.error());

    parser->finish();
    stream.show(parser->output(), false);
    stream.showLast(result->usage.decodeSpeed());
    details.reasoning = parser->output().reasoning;
    details.seed = result->seed;
    details.usage = usageToJson(result->usage);
    details.finishReason = engine::finishReasonName(result->reason);
    details.citations = citationsOf(stream.text(), details.passages);
    const bool isStopped = result->reason == engine::FinishReason::Cancelled;
    return store(job, stream.text() + toolCallNote(parser->output().toolCalls),
                 isStopped ? MessageState::Stopped : MessageState::Complete, details);
}

const std::string& Answerer::sourcesSecret() {
    if (!m_sourcesSecret.empty()) return m_sourcesSecret;
    constexpr std::string_view kKey = "answers.secret";
    const auto stored = m_database.settings().get(kKey);
    if (stored && stored->has_value() && (*stored)->is_string()) {
        m_sourcesSecret = (*stored)->get<std::string>();
    }
    if (!m_sourcesSecret.empty()) return m_sourcesSecret;
    std::random_device random;
    constexpr int kDigits = 32;
    for (int i = 0; i < kDigits; ++i) m_sourcesSecret += "0123456789abcdef"[random() % 16];
    if (auto saved = m_database.settings().set(kKey, m_sourcesSecret); !saved) {
        log().warn("a setting could not be saved: {}", saved.error().detail);
    }
    return m_sourcesSecret;
}

Result<Message> Answerer::sayNothingFound(AnswerJob& job, const engine::ModelInfo& info) {
    AnswerDetails details;
    details.model = info.name;
    details.modelFile = m_models.status().model.file.string();
    details.usage = usageToJson({});
    details.finishReason = "nothing_found";
    return store(job, "I could not find that in your documents.", MessageState::Complete, details);
}

Result<Message> Answerer::showPassages(AnswerJob& job, Sources sources, std::string preface) {
    constexpr std::size_t kShown = 5;
    if (sources.passages.size() > kShown) sources.passages.resize(kShown);
    // What scores far below the best only shares a word with the question.
    std::erase_if(sources.passages,
                  [best = sources.passages.empty() ? 0.0 : sources.passages.front().score](
                      const auto& passage) { return passage.score < best / 2; });
    AnswerDetails details;
    details.usage = usageToJson({});
    details.finishReason = kNoModelReason;
    std::string text = std::move(preface);
    if (!sources.passages.empty()) text += "\n";
    int number = 0;
    for (StoredPassage& passage : sources.passages) {
        passage.number = ++number;
        text += "\n- " + singleLine(passage.text) + " ";
        const std::string mark = std::string("[").append(std::to_string(number)).append("]");
        details.citations.push_back({.answerStart = text.size(),
                                     .answerEnd = text.size() + mark.size(),
                                     .passage = number,
                                     .quoteStart = passage.startByte,
                                     .quoteEnd = passage.endByte,
                                     .quote = passage.text,
                                     .supported = true});
        text += mark;
    }
    details.passages = std::move(sources.passages);
    if (job.events.onPassages) job.events.onPassages(details.passages);
    return store(job, text, MessageState::Complete, details);
}

Result<Message> Answerer::store(AnswerJob& job, const std::string& text, MessageState state,
                                const AnswerDetails& details) {
    storage::ChatStore& chats = m_database.chats();
    if (auto saved = chats.setAnswerDetails(job.answer.id, details); !saved) {
        return tl::unexpected(saved.error());
    }
    if (auto saved = chats.updateMessage(job.answer.id, text, state); !saved) {
        return tl::unexpected(saved.error());
    }
    return chats.message(job.answer.id);
}

}  // namespace conclave::services
