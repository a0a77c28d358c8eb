#include "app/services/answer.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "app/services/answer_check.h"
#include "app/services/answer_quality.h"
#include "app/services/answer_wording.h"
#include "app/services/answerability.h"
#include "app/services/follow_up.h"
#include "app/services/other_question.h"
#include "app/services/other_values.h"
#include "app/services/passage_list.h"
#include "app/services/question.h"
#include "app/services/session_text_model.h"
#include "app/services/small_talk.h"
#include "app/services/source_states.h"
#include "app/services/streamed_text.h"
#include "base/log.h"

namespace conclave::services {
namespace {

/// Without "[1]", whose number is none of the answer.
std::string withoutCitations(std::string_view text) {
    return retrieval::withoutUnknownCitations(text, {});
}

/// "1." of a list says nothing, and a part of a program is no sentence.
bool isNoSentence(std::string_view text) {
    constexpr auto kOfCode =
        std::to_array<std::string_view>({"\"\"\"", "{", "}", "==", "->", "();", "):", " | "});
    const std::size_t end = text.find_last_not_of(" \n") + 1;
    const bool isListNumber =
        end > 1 && text.find_first_not_of("0123456789") == end - 1 && text[end - 1] == '.';
    return isListNumber || std::any_of(kOfCode.begin(), kOfCode.end(), [&](std::string_view sign) {
               return text.find(sign) != std::string_view::npos;
           });
}

/// A passage says a sentence of the text; and one that the text rightly cites, if it does, says
/// about as much of the question as any: else a true sentence that answers another question was
/// copied.
bool saysWhatIsAsked(std::string_view text, std::string_view question,
                     std::span<const StoredPassage> passages) {
    constexpr double kLeastShare = 0.6;
    const std::string said = withoutCitations(text);
    if (isNoSentence(said)) return false;
    if (!isOfKindAskedFor(question, said) || isHeadingAlone(question, said, passages) ||
        !retrieval::isCopied(text, toPassages(passages))) {
        return false;
    }
    const auto isRight = [&](const StoredCitation& citation, const StoredPassage& passage) {
        if (!citation.supported || passage.number != citation.passage ||
            citation.quoteStart < passage.startByte) {
            return false;
        }
        const retrieval::TextSpan quote{citation.quoteStart - passage.startByte,
                                        citation.quoteEnd - passage.startByte};
        // Half of a sentence may be copied.
        return !answersAnother(question, said, textAbove(passage)) &&
               isAboutTheSame(question, passage) && saysEnoughOf(question, passage, quote);
    };
    bool isAny = false;
    for (const StoredCitation& citation : citationsOf(text, passages)) {
        isAny = isAny || citation.supported;
        for (const StoredPassage& passage : passages) {
            if (isRight(citation, passage) &&
                shareOfQuestion(question, passage, passages) >= kLeastShare) {
                return true;
            }
        }
    }
    // Where it cites nothing that says it, a passage that it could have cited is enough.
    return !isAny &&
           std::any_of(passages.begin(), passages.end(), [&](const StoredPassage& passage) {
               const std::string cited = said + " [" + std::to_string(passage.number) + "]";
               const auto citations = citationsOf(cited, std::span(&passage, 1));
               return std::any_of(citations.begin(), citations.end(),
                                  [&](const auto& citation) { return isRight(citation, passage); });
           });
}

/// What to say in place of what a demonstration model wrote, which copies sentences or else makes
/// them up; nothing where its text can stand. Sets why.
std::optional<std::string> insteadOf(std::string_view text, bool isLost, std::string_view question,
                                     AnswerDetails& details) {
    const bool hasPassages = !details.passages.empty();
    const bool isDenial = hasPassages && isRefusal(text);
    const bool isElsewhere = std::none_of(
        details.passages.begin(), details.passages.end(),
        [&](const StoredPassage& passage) { return isAboutTheSame(question, passage); });
    if (hasPassages && (isElsewhere || (isDenial && !mayBeAnswered(question, details.passages)))) {
        details.finishReason = kNothingFoundReason;
        return saysNotInDocuments(question, true);
    }
    const bool isUnsupported =
        isDenial || (hasPassages && !saysWhatIsAsked(text, question, details.passages));
    // Without documents it denies what nobody looked for in them.
    const bool isBesideThePoint = !hasPassages && isRefusal(text);
    if (!isLost && !isUnsupported && !isBesideThePoint) return std::nullopt;
    details.finishReason = kUnsupportedReason;
    return saysCouldNotAnswer(question, details.model, hasPassages);
}

/// A sentence says something and none is in any passage. Words of one language are not looked for
/// in passages of another.
bool saysNothingOf(std::string_view text, std::string_view question,
                   std::span<const StoredPassage> passages) {
    if (isRefusal(text)) return false;
    const bool isLatin = isInLatinLetters(text);
    const bool isComparable = std::any_of(
        passages.begin(), passages.end(),
        [&](const StoredPassage& passage) { return isInLatinLetters(passage.text) == isLatin; });
    if (!isComparable || isInLatinLetters(question) != isLatin) return false;
    const retrieval::AnswerSupport support = retrieval::supportOf(text, toPassages(passages));
    return support.nSentences > 0 && support.nSupported == 0;
}

}  // namespace

Answerer::Answerer(storage::Database& database, Library& library,
                   CollectionServiceImpl& collections, ModelServiceImpl& models,
                   SavedSessions& saved, engine::SessionOptions sessions, bool speculates,
                   nlohmann::ordered_json tools)
    : m_database(database),
      m_models(models),
      m_sources(database, library, collections),
      m_surveyor(database, library),
      m_sessionOptions(std::move(sessions)),
      m_speculates(speculates),
      m_tools(std::move(tools)),
      m_sessions(m_sessionOptions, saved) {}

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
    std::vector<PastTurn> history = turnsOf(*branch, job.chat);
    job.asked = settings.readsFollowUps ? standaloneQuestion(job.question.text, history)
                                        : job.question.text;

    if (auto fresh = m_sources.bringUpToDate(job, settings); !fresh) {
        return tl::unexpected(fresh.error());
    }
    auto surveyed = survey(job, settings);
    if (!surveyed) return tl::unexpected(surveyed.error());
    if (*surveyed) return std::move(**surveyed);
    const std::span<const PastTurn> leansOn =
        settings.readsFollowUps ? std::span<const PastTurn>(history) : std::span<const PastTurn>();
    auto sources = m_sources.find(job, settings, leansOn);
    if (!sources) return tl::unexpected(sources.error());
    if (sources->wereSearched) job.searchedFor = sources->query;

    if (m_models.status().state != ModelStatus::State::Ready) {
        job.report(AnswerStage::Kind::LoadingModel);
    }
    auto model = m_models.loaded(job.stop.get_token(), [&](float progress) {
        job.report(AnswerStage::Kind::LoadingModel, progress);
    });
    if (!model) {
        const Error& error = model.error();
        if (error.code != ErrorCode::Cancelled && !sources->passages.empty()) {
            return showPassages(job, std::move(sources->passages),
                                saysNoModel(job.asked, error.detail), kNoModelReason);
        }
        return tl::unexpected(error);
    }
    return write(job, settings, std::move(history), std::move(*sources), *model);
}

Result<std::optional<Message>> Answerer::survey(AnswerJob& job, const ChatSettings& settings) {
    std::optional<Message> none;
    if (!job.retrieval || job.scope == Scope::Passages || !job.attachments.empty()) return none;
    auto collections = m_sources.collectionsOf(job, settings);
    if (!collections) return tl::unexpected(collections.error());
    if (collections->empty()) return none;
    SurveyRequest request;
    request.question = job.asked;
    request.collections = std::move(*collections);
    request.isForced = job.scope == Scope::Everything;
    request.filter = settings.filter;
    request.cancel = job.stop.get_token();
    request.onProgress = [&](const std::string& text, float progress) {
        if (job.events.onText && !text.empty()) job.events.onText(text, 0.0);
        job.report(AnswerStage::Kind::Surveying, progress);
    };
    std::unique_ptr<SessionTextModel> reader;
    if (profileOf(m_models.status().model.info, 1).followsInstructions) {
        request.reader = [&]() -> Result<TextModel*> {
            if (reader != nullptr) return reader.get();
            const auto model = m_models.loaded(job.stop.get_token(), [&](float progress) {
                job.report(AnswerStage::Kind::LoadingModel, progress);
            });
            if (!model) return tl::unexpected(model.error());
            engine::SessionOptions options = m_sessionOptions;
            options.adapters = m_models.adapters();
            // What it reads at a time is found best in so many tokens, and read in reasonable time.
            constexpr int kLongestReading = 8192;
            options.contextLength = std::min(contextFor(**model, settings), kLongestReading);
            auto made = SessionTextModel::create(*model, std::move(options));
            if (!made) return tl::unexpected(made.error());
            reader = std::move(*made);
            return reader.get();
        };
    }
    auto surveyed = m_surveyor.answer(request);
    if (!surveyed && surveyed.error().code != ErrorCode::Cancelled && reader != nullptr) {
        // Rules read on where the model cannot.
        log().warn("the model could not read everything: {}", surveyed.error().detail);
        request.reader = {};
        surveyed = m_surveyor.answer(request);
    }
    if (!surveyed) return tl::unexpected(surveyed.error());
    if (!*surveyed) return none;
    SurveyAnswer& answer = **surveyed;
    AnswerDetails details;
    details.usage = usageToJson({});
    details.usage["survey"] = std::move(answer.account);
    if (job.asked != job.question.text) details.usage["searched_for"] = job.asked;
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

Result<Message> Answerer::write(AnswerJob& job, const ChatSettings& settings,
                                std::vector<PastTurn> history, AnswerSources sources,
                                const std::shared_ptr<const engine::Model>& model) {
    const std::string& question = job.asked;
    const bool isDemonstration = profileOf(model->info(), 1).isDemonstration;
    const bool hasPassages = !sources.passages.empty();
    const bool nothingFound = sources.wereSearched && !hasPassages && !sources.keepsLast;
    std::vector<std::string> toolResults = toolResultsOf(job.chat, job.question.id);
    if (settings.onlyDocuments && !hasPassages && !sources.keepsLast && toolResults.empty() &&
        !isSmallTalk(question) && !bringsItsOwnText(question)) {
        return showPassages(
            job, {},
            sources.wereSearched ? saysNotInDocuments(question, false) : saysNoDocuments(question),
            kNothingFoundReason);
    }
    if (isDemonstration && nothingFound) {
        return showPassages(job, {}, saysNotInDocuments(question, false), kNothingFoundReason);
    }
    if (const auto talk = chineseSmallTalkOf(question); isDemonstration && talk) {
        AnswerDetails details;
        details.usage = usageToJson({});
        details.finishReason = kSmallTalkReason;
        return store(job, answerTo(*talk, model->info().name), MessageState::Complete, details);
    }
    if (isDemonstration && !isInLatinLetters(question)) {
        AnswerDetails details;
        details.usage = usageToJson({});
        if (auto quoted = quoteInstead(job, sources.passages, std::move(details),
                                       saysEnglishOnly(question, model->info().name, false))) {
            return std::move(*quoted);
        }
        return showPassages(job, std::move(sources.passages),
                            saysEnglishOnly(question, model->info().name, hasPassages),
                            kNoModelReason);
    }
    const double least =
        isDemonstration ? std::max(sources.threshold, kUnlearnedThreshold) : sources.threshold;
    if (sources.answerability < least && !sources.keepsLast) {
        if (isDemonstration) {
            // To deny what a sentence says in the words of the question would be untrue.
            AnswerDetails details;
            details.usage = usageToJson({});
            if (auto quoted = quoteInstead(job, sources.passages, std::move(details))) {
                return std::move(*quoted);
            }
            if (mayBeAnswered(question, sources.passages)) {
                return showPassages(job, std::move(sources.passages),
                                    saysCouldNotAnswer(question, model->info().name, true),
                                    kUnsupportedReason);
            }
        }
        return showPassages(job, std::move(sources.passages),
                            saysNotInDocuments(question, hasPassages), kNothingFoundReason);
    }
    // It knows no conversation from a list of examples: older turns only lead it astray. A greeting
    // is short, as a follow-up is, but has nothing to do with them.
    const bool needsHistory = sources.keepsLast || !toolResults.empty() ||
                              (settings.readsFollowUps && isFollowUp(question));
    if (isDemonstration && (isSmallTalk(question) || !needsHistory)) history.clear();
    const auto session = m_sessions.take(
        job.chat.id, model, m_models.adapters(),
        settings.contextLength.value_or(m_sessionOptions.contextLength), job.stop.get_token());
    if (!session) {
        if (!hasPassages) return tl::unexpected(session.error());
        return showPassages(job, std::move(sources.passages),
                            saysNoModel(question, session.error().detail), kNoModelReason);
    }
    const int contextLength = (*session)->contextLength();
    const ModelProfile profile = profileOf(model->info(), contextLength);
    const int maxTokens = settings.maxTokens.value_or(profile.maxTokens);
    const auto prompt =
        composePrompt(*model, profile,
                      {.systemPrompt = settings.systemPrompt.value_or(std::string()),
                       .history = std::move(history),
                       .question = isDemonstration ? question : job.question.text,
                       .passages = sources.passages,
                       .widerOf = [this](const auto& each) { return m_sources.widerOf(each); },
                       .toolResults = std::move(toolResults),
                       .keepsSources = sources.keepsLast,
                       .sourcesSecret = profile.isDemonstration ? "" : sourcesSecret(),
                       .tools = m_tools,
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
    job.report(AnswerStage::Kind::Reading);

    const bool isChecked = isDemonstration && !details.passages.empty();
    std::function<bool(const std::string&)> isGood;
    if (isChecked) {
        isGood = [&](const std::string& text) {
            return saysWhatIsAsked(text, question, details.passages);
        };
    }
    StreamedText stream(m_database.chats(), job, details.passages,
                        {.start = nothingFound ? saysFromModelAlone(question) : "",
                         .isGood = isGood,
                         .hasSources = isDemonstration || !details.passages.empty()});
    bool isWriting = false;
    const auto parser = model->outputParser(prompt->tokens, m_tools);
    engine::GenerateRequest request;
    request.prompt = prompt->tokens;
    request.sampling = *used.sampling;
    request.maxTokens = maxTokens;
    request.stop = settings.stop;
    request.stopOnRepetition = profile.stopOnRepetition;
    request.speculate = m_speculates || !details.passages.empty();  // such answers quote
    request.showControlTokens = parser->needsControlTokens();
    request.cancel = job.stop.get_token();
    request.onPrefill = [&](int done, int total) {
        job.report(AnswerStage::Kind::Reading,
                   static_cast<float>(done) / static_cast<float>(std::max(total, 1)));
    };
    request.onText = [&](std::string_view piece) {
        if (!isWriting) job.report(AnswerStage::Kind::Writing);
        isWriting = true;
        parser->add(piece);
        stream.show(parser->output(), parser->isThinking());
    };
    auto result = (*session)->generate(request);
    if (!result && result.error().code == ErrorCode::OutOfMemory &&
        m_sessions.dropOthers(job.chat.id)) {
        result = (*session)->generate(request);
    }
    if (!result) return tl::unexpected(result.error());

    parser->finish();
    stream.show(parser->output(), false);
    details.reasoning = withoutBrokenCharacters(parser->output().reasoning);
    details.seed = result->seed;
    details.usage = usageToJson(result->usage);
    nlohmann::json calls =
        partsToJson(*model, prompt->tokens, result->text,
                    m_tools.is_null() ? nlohmann::ordered_json::array() : m_tools)["tool_calls"];
    if (!calls.empty()) details.usage["tool_calls"] = std::move(calls);
    if (prompt->nDroppedTurns > 0) details.usage[kDroppedTurnsKey] = prompt->nDroppedTurns;
    details.finishReason = engine::finishReasonName(result->reason);
    const bool isStopped = result->reason == engine::FinishReason::Cancelled;
    if (isDemonstration && !isStopped) {
        const bool isLost = stream.hadBrokenCharacters() || stream.citedWhatIsNotThere() ||
                            result->reason == engine::FinishReason::Repetition ||
                            isDegenerate(stream.text()) ||
                            (isChecked && stream.text().find('|') != std::string::npos);
        if (const auto said = insteadOf(stream.text(), isLost, question, details)) {
            // Those that the model read come first; of more, it may have read the wrong ones.
            if (!sources.keepsLast) details.passages = std::move(sources.passages);
            if (auto quoted = quoteInstead(job, details.passages, details)) {
                return std::move(*quoted);
            }
            return listInstead(job, *said, std::move(details));
        }
        if (auto told = instructInstead(job, stream.text(), sources.passages, details)) {
            return std::move(*told);
        }
    }
    std::string text = stream.text() + toolCallNote(parser->output().toolCalls);
    if (!isDemonstration && !isStopped && !details.passages.empty()) {
        if (profile.isSmall && isRefusal(stream.text()) &&
            citationsOf(text, details.passages).empty()) {
            if (auto quoted = quoteBelow(job, text, details)) return std::move(*quoted);
        }
        if (saysNothingOf(stream.text(), question, details.passages)) {
            if (settings.onlyDocuments) {
                details.finishReason = kUnsupportedReason;
                const std::string preface = saysCouldNotAnswer(question, details.model, true);
                return listInstead(job, preface, std::move(details));
            }
            text += saysNothingSupports(question);
        }
    }
    stream.showLast(result->usage.decodeSpeed());
    details.citations = citationsOf(text, details.passages);
    unsupportOthers(question, details.passages, details.citations);
    unsupportOrders(details.passages, details.citations);
    if (!isStopped && !details.citations.empty() &&
        retrieval::isCopied(text, toPassages(details.passages))) {
        addOtherValues(text, details.citations, question, details.passages);
    }
    return store(job, text, isStopped ? MessageState::Stopped : MessageState::Complete, details);
}

int Answerer::contextFor(const engine::Model& model, const ChatSettings& settings) const {
    const int asked = settings.contextLength.value_or(m_sessionOptions.contextLength);
    if (asked > 0) return std::min(asked, model.info().contextLength);
    return model.forecast(1, m_sessionOptions.kvType).automaticContext;
}

ContextNeed Answerer::needOf(const engine::Model& model, const ChatSettings& settings) const {
    ContextNeed need;
    need.modelContextLength = model.info().contextLength;
    need.contextLength = contextFor(model, settings);
    const auto forecast = model.forecast(need.contextLength, m_sessionOptions.kvType);
    need.bytes = forecast.kvCacheBytes + forecast.scratchBytes;
    need.fits = forecast.fits();
    need.longestContext = forecast.longestContext;
    return need;
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

Result<Message> Answerer::showPassages(AnswerJob& job, std::vector<StoredPassage> passages,
                                       std::string preface, std::string_view reason) {
    AnswerDetails details;
    details.usage = usageToJson({});
    details.finishReason = reason;
    if (reason == kNothingFoundReason) {
        details.model = m_models.status().model.name;
        details.modelFile = m_models.status().model.file.string();
    }
    details.passages = std::move(passages);
    return listInstead(job, std::move(preface), std::move(details));
}

Result<Message> Answerer::listInstead(AnswerJob& job, std::string preface, AnswerDetails details) {
    const bool hadPassages = !details.passages.empty();
    if (details.finishReason != kNoModelReason) keepNearest(job.asked, details.passages);
    if (hadPassages && details.passages.empty()) {
        // Nothing below it comes near, so that it must not say so.
        preface = saysNotInDocuments(job.asked, false);
        details.finishReason = kNothingFoundReason;
    }
    const DocumentFilter filter = ChatSettings::fromJson(job.chat.settings).filter;
    if (details.finishReason == kNothingFoundReason && !job.searchedFor.empty() &&
        !filter.isEmpty()) {
        preface = saysFiltered(job.asked, filter) + preface;
    }
    PassageList list = listPassages(job.asked, std::move(preface), std::move(details.passages));
    details.passages = std::move(list.passages);
    details.citations = std::move(list.citations);
    if (job.events.onPassages) job.events.onPassages(details.passages);
    return store(job, list.text, MessageState::Complete, details);
}

std::optional<Result<Message>> Answerer::quoteInstead(AnswerJob& job,
                                                      std::span<const StoredPassage> passages,
                                                      AnswerDetails details, std::string note) {
    const std::string& question = job.asked;
    auto quoted = quoteFor(question, passages);
    if (!quoted) return std::nullopt;
    details.model = m_models.status().model.name;
    details.modelFile = m_models.status().model.file.string();
    if (note.empty()) note = saysQuoted(question, details.model);
    return storeQuote(job, {}, std::move(*quoted), std::move(details), note);
}

std::optional<Result<Message>> Answerer::instructInstead(AnswerJob& job, const std::string& text,
                                                         std::span<const StoredPassage> passages,
                                                         AnswerDetails details) {
    auto quoted = quoteFor(job.asked, passages);
    if (!quoted || !quoted->isInstruction || text.find(quoted->quote) != std::string::npos) {
        return std::nullopt;
    }
    const std::string note = saysQuoted(job.asked, details.model);
    return storeQuote(job, {}, std::move(*quoted), std::move(details), note);
}

std::optional<Result<Message>> Answerer::quoteBelow(AnswerJob& job, const std::string& text,
                                                    AnswerDetails details) {
    auto quoted = quoteFor(job.asked, details.passages);
    if (!quoted) return std::nullopt;
    const std::string note = saysQuoted(job.asked, details.model);
    return storeQuote(job, text + "\n\n", std::move(*quoted), std::move(details), note);
}

Result<Message> Answerer::storeQuote(AnswerJob& job, std::string text, QuotedAnswer quoted,
                                     AnswerDetails details, std::string_view note) {
    constexpr std::string_view kMark = "[1]";
    text += saysQuote(job.asked, quoted.quote, quoted.isStillToBeDone) + " ";
    quoted.citation.answerStart = text.size();
    quoted.citation.answerEnd = text.size() + kMark.size();
    text += kMark;
    details.finishReason = kQuotedReason;
    details.passages = std::move(quoted.passages);
    details.citations = {std::move(quoted.citation)};
    addOtherValues(text, details.citations, job.asked, details.passages);
    text.append("\n\n").append(note);
    if (job.events.onPassages) job.events.onPassages(details.passages);
    return store(job, text, MessageState::Complete, details);
}

Result<Message> Answerer::store(AnswerJob& job, const std::string& text, MessageState state,
                                AnswerDetails details) {
    storage::ChatStore& chats = m_database.chats();
    if (!job.searchedFor.empty() && job.searchedFor != job.question.text) {
        details.usage["searched_for"] = job.searchedFor;
    }
    const DocumentFilter filter = ChatSettings::fromJson(job.chat.settings).filter;
    const bool wereAsked = !job.searchedFor.empty() || details.finishReason == kSurveyReason;
    if (wereAsked && !filter.isEmpty()) details.usage["filter"] = filter.toJson();
    noteSourceStates(m_database.documents(), details);
    if (auto saved = chats.setAnswerDetails(job.answer.id, details); !saved) {
        return tl::unexpected(saved.error());
    }
    if (auto saved = chats.updateMessage(job.answer.id, text, state); !saved) {
        return tl::unexpected(saved.error());
    }
    return chats.message(job.answer.id);
}

}  // namespace conclave::services
