#include "app/services/services.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "app/services/chat_service.h"
#include "app/services/collection_service.h"
#include "app/services/library.h"
#include "app/services/model_profile.h"
#include "app/services/model_service.h"
#include "app/services/ocr_state.h"
#include "app/services/recall.h"
#include "app/services/retrieval_models.h"
#include "app/services/saved_sessions.h"
#include "app/services/survey/quantity_question.h"
#include "app/services/survey/record_answer.h"
#include "app/services/survey/survey_question.h"
#include "app/services/worker.h"
#include "base/log.h"
#include "base/utf8.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kGuideKey = "guide.collection";
constexpr auto kTrashIsKept = std::chrono::days(30);

/// The document reader is beside the programs; tests run from the folder next to theirs.
fs::path findWorker() {
    const fs::path beside = programFolder() / "conclave-extract";
    const fs::path next = programFolder() / "../bin/conclave-extract";
    std::error_code ignored;
    return !fs::exists(beside, ignored) && fs::exists(next, ignored) ? next : beside;
}

class ServicesImpl final : public Services {
public:
    ServicesImpl(Places places, std::unique_ptr<storage::Database> database,
                 const StartOptions& options)
        : m_places(std::move(places)),
          m_database(std::move(database)),
          m_extractor(findWorker()),
          m_models(m_database->settings(), m_places, options.model, options.adapters,
                   options.memoryBytes, options.kvTypes, options.contextLength, options.predicts,
                   m_quick),
          m_searchModels(*m_database, m_models),
          m_library(m_database->documents(), [this] { return m_searchModels.embedderInUse(); }),
          m_collections(*m_database, m_library, m_extractor,
                        {m_places.config, m_places.data, m_places.cache, m_places.state}, m_quick),
          m_saved(options.inMemory ? fs::path() : m_places.cache / "sessions",
                  options.savesSessions),
          m_chats(*m_database, m_library, m_collections, m_models, m_saved, m_quick, options) {
        m_library.setReranker([this] { return m_searchModels.reranker(); });
        if (options.indexGuide && !options.inMemory) {
            m_quick.post([this] { prepareGuide(); });
            m_embedding.post([this] { goOnEmbedding(); });
        }
        m_quick.post([this] { emptyTrash(); });
    }

    ~ServicesImpl() override {
        // Whoever asks others goes first; the short calls last, so that drafts are saved.
        m_embedding.finish();
        m_slow.finish();
        m_chats.finish();
        m_collections.finish();
        m_models.finish();
        m_quick.finish();
    }

    ChatService& chats() override { return m_chats; }
    CollectionService& collections() override { return m_collections; }
    ModelService& models() override { return m_models; }
    const Places& places() const override { return m_places; }
    retrieval::Extractor& extractor() override { return m_extractor; }

    void setting(std::string_view key, Reply<std::optional<nlohmann::json>> reply) override {
        m_quick.post([this, key = std::string(key), reply = std::move(reply)] {
            reply(m_database->settings().get(key));
        });
    }

    void setSetting(std::string_view key, const nlohmann::json& value) override {
        m_quick.post([this, key = std::string(key), value] {
            if (auto saved = m_database->settings().set(key, value); !saved) {
                log().warn("a setting could not be saved: {}", saved.error().detail);
            }
        });
    }

    void addRecall(const RecallQuestion& question, Reply<std::int64_t> reply) override {
        m_quick.post([this, question, reply = std::move(reply)] {
            reply(m_database->recall().add(question));
        });
    }

    void recallQuestions(Reply<std::vector<RecallQuestion>> reply) override {
        m_quick.post([this, reply = std::move(reply)] { reply(m_database->recall().questions()); });
    }

    void removeRecall(std::int64_t id, Reply<void> reply) override {
        m_quick.post(
            [this, id, reply = std::move(reply)] { reply(m_database->recall().remove(id)); });
    }

    void runRecall(int depth, Reply<RecallReport> reply) override {
        m_slow.post([this, depth, reply = std::move(reply)] {
            reply(scoreRecall(*m_database, m_library, depth));
        });
    }

    void searchModels(Reply<SearchModels> reply) override {
        m_slow.post([this, reply = std::move(reply)] { reply(m_searchModels.chosen(m_library)); });
    }

    void chooseEmbedder(std::string_view nameOrFile, std::function<bool(int, int)> progress,
                        Reply<std::string> reply) override {
        m_embedding.post([this, wanted = std::string(nameOrFile), progress = std::move(progress),
                          reply = std::move(reply)] {
            reply(m_searchModels.chooseEmbedder(wanted, m_library, [&](int done, int all) {
                return !m_embedding.stopToken().stop_requested() &&
                       (!progress || progress(done, all));
            }));
        });
    }

    void chooseReranker(std::string_view nameOrFile, Reply<std::string> reply) override {
        m_slow.post([this, wanted = std::string(nameOrFile), reply = std::move(reply)] {
            reply(m_searchModels.chooseReranker(wanted));
        });
    }

    void ocr(Reply<OcrState> reply) override {
        m_slow.post([this, reply = std::move(reply)] {
            OcrState state;
            state.isInstalled = !retrieval::findOcrProgram().empty();
            state.languages = installedOcrLanguages();
            const auto inUse = m_database->settings().get(kOcrSetting);
            if (!inUse) return reply(tl::unexpected(inUse.error()));
            if (inUse->has_value() && (*inUse)->is_string()) {
                state.inUse = (*inUse)->get<std::string>();
            }
            reply(state);
        });
    }

    void doctor(Reply<std::vector<Finding>> reply) override {
        m_slow.post([this, reply = std::move(reply)] { reply(examine()); });
    }

    void backup(const fs::path& to, Reply<void> reply) override {
        m_slow.post([this, to, reply = std::move(reply)] { reply(m_database->backup(to)); });
    }

private:
    /// A change of embedder that was not finished when the program ended.
    void goOnEmbedding() {
        const auto done = m_searchModels.resume(
            m_library, [this](int, int) { return !m_embedding.stopToken().stop_requested(); });
        if (!done && done.error().code != ErrorCode::Cancelled) {
            log().warn("vectors could not be made: {}", done.error().detail);
        }
    }

    /// Forgets for good what was deleted long ago.
    void emptyTrash() {
        m_chats.forgetLeftOver();
        const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(
            std::chrono::system_clock::now());
        const auto trash = m_database->chats().trash();
        if (auto purged = m_database->chats().purgeTrash(now - kTrashIsKept); !purged) {
            log().warn("deleted chats could not be forgotten: {}", purged.error().detail);
        } else if (trash && *purged > 0) {
            for (const DeletedChat& each : *trash) {
                if (each.deleted < now - kTrashIsKept) m_chats.forgetAttachments(each.chat.id);
            }
        }
        if (const auto chats = m_database->chats().chats()) {
            std::vector<ChatId> ids;
            for (const Chat& chat : *chats) ids.push_back(chat.id);
            m_saved.keepOnly(ids);
        }
    }

    /// Makes the guide's collection at the first start; later only follows it to where this
    /// version of Conclave keeps it. One that the user removed stays away.
    void prepareGuide() {
        const Result<fs::path> resources = findResources();
        if (!resources) return;
        storage::DocumentStore& store = m_database->documents();
        const auto stored = m_database->settings().get(kGuideKey);
        if (!stored) return;
        CollectionId id = 0;
        if (!stored->has_value()) {
            const auto made = store.createCollection(kGuideName);
            if (!made) {
                log().warn("the guide cannot be made a collection: {}", made.error().detail);
                return;
            }
            id = *made;
            if (auto saved = m_database->settings().set(kGuideKey, id); !saved) return;
        } else if ((*stored)->is_number_integer()) {
            id = (*stored)->get<CollectionId>();
        }
        const auto all = store.collections();
        if (!all) return;
        for (const Collection& collection : *all) {
            if (collection.id != id) continue;
            const std::vector<fs::path> roots{*resources / "guide"};
            if (collection.roots != roots) {
                if (auto set = store.setRoots(id, roots); !set) return;
            }
            m_collections.update(id, false, [](const Result<IndexReport>& report) {
                if (!report) log().warn("the guide cannot be read: {}", report.error().detail);
            });
        }
    }

    Result<std::vector<Finding>> examine() {
        auto findings = m_database->check();
        if (!findings) return findings;
        const auto size = m_library.size();
        if (!size) return tl::unexpected(size.error());
        findings->push_back(
            {size->nIndexed == size->nChunks, "keyword index",
             std::to_string(size->nIndexed) + " of " + counted(size->nChunks, "chunk", "chunks")});
        findings->push_back(
            {size->nVectors <= size->nChunks, "vectors in memory",
             std::to_string(size->nVectors) + " for " + counted(size->nChunks, "chunk", "chunks")});
        const auto embedder = m_models.embedder();
        findings->push_back({embedder.has_value(), "text embedder",
                             embedder ? (*embedder)->id() : embedder.error().detail});
        const auto models =
            wait<std::vector<ModelEntry>>([this](auto reply) { m_models.list(std::move(reply)); });
        if (!models) return tl::unexpected(models.error());
        for (const ModelEntry& model : *models) {
            if (model.searches()) continue;
            findings->push_back({model.problem.empty(), "model " + model.name,
                                 model.problem.empty() ? model.file.string() : model.problem});
        }
        const SavedSessions::Use saved = m_saved.use();
        findings->push_back({true, "saved sessions",
                             counted(saved.nChats, "chat", "chats") + ", " +
                                 std::to_string(saved.bytes >> 20u) + " MiB"});
        std::error_code problem;
        const bool hasWorker = fs::exists(findWorker(), problem);
        findings->push_back({hasWorker, "document reader",
                             hasWorker ? "present" : "conclave-extract is missing: reinstall"});
        const fs::space_info space = fs::space(m_places.data, problem);
        constexpr std::uintmax_t kLowBytes = std::uintmax_t{200} << 20u;
        findings->push_back({!problem && space.available >= kLowBytes, "room on the disk",
                             problem ? problem.message()
                                     : std::to_string(space.available >> 20u) + " MiB free in " +
                                           m_places.data.string()});
        findings->push_back({true, "processor kernels", std::string(engine::kernelSetName())});
        return findings;
    }

    Places m_places;
    std::unique_ptr<storage::Database> m_database;
    retrieval::Extractor m_extractor;
    Worker m_quick{Worker::AtEnd::Finish};
    ModelServiceImpl m_models;
    RetrievalModels m_searchModels;
    Library m_library;
    CollectionServiceImpl m_collections;
    SavedSessions m_saved;
    ChatServiceImpl m_chats;
    Worker m_slow{Worker::AtEnd::Drop};
    Worker m_embedding{Worker::AtEnd::Drop};
};

}  // namespace

Result<std::unique_ptr<Services>> Services::start(const StartOptions& options) {
    engine::saveAddressSpace();
    Places places;
    if (options.places) {
        places = *options.places;
    } else if (options.inMemory) {
        places = namePlaces();
    } else {
        auto found = findPlaces();
        if (!found) return tl::unexpected(found.error());
        places = std::move(*found);
    }
    storage::OpenOptions open;
    open.analyzer = retrieval::analyze;
    open.analyzerVersion = retrieval::kAnalyzerVersion;
    open.inMemory = options.inMemory;
    auto database = storage::Database::open(places.database(), open);
    if (!database) return tl::unexpected(database.error());
    try {
        return std::make_unique<ServicesImpl>(std::move(places), std::move(*database), options);
    } catch (const std::bad_alloc&) {  // falls through
    } catch (const std::system_error&) {
    }
    return fail(ErrorCode::OutOfMemory,
                "there is not enough memory for Conclave's threads; end other programs or raise "
                "the limits (ulimit -v, ulimit -u)");
}

Result<fs::path> restoreBackup(const Places& places, const fs::path& from) {
    return storage::restoreDatabase(places.database(), from);
}

Result<Repaired> repair(const Places& places) {
    auto repaired = storage::repairDatabase(places.database());
    if (repaired || repaired.error().code != ErrorCode::Corrupt) return repaired;
    return fail(ErrorCode::Corrupt, places.database().string() +
                                        " is too damaged to be repaired; put a backup in its place "
                                        "with: conclave restore FILE");
}

engine::SamplerSettings defaultSampling(const engine::ModelInfo& model) {
    return profileOf(model, model.contextLength).sampling;
}

std::string recommendedSamplingText(const engine::ModelInfo& model) {
    std::string text;
    for (const auto& [name, value] : model.recommendedSampling.items()) {
        text += (text.empty() ? "" : ", ") + name + " ";
        text += value.is_string() ? value.get<std::string>() : value.dump();
    }
    return text;
}

std::string chatTemplateNote(const engine::ModelInfo& model) {
    if (model.hasChatTemplate || model.isEmbedder || model.isReranker) return {};
    if (!model.turnFamily.empty()) {
        return "has no chat template in its file; turns are written as " + model.turnFamily +
               " models read them, whose marks its vocabulary has. If it is a base model, it goes "
               "on with the text rather than answer.";
    }
    return "has no chat template in its file and no marks of turns that Conclave knows: it seems "
           "to "
           "be no chat model, and may go on with the text rather than answer. Turns are written as "
           "ChatML; `conclave generate` continues a text as it is.";
}

std::string turnsNote(const engine::Model& model) {
    std::string text = chatTemplateNote(model.info());
    if (!text.empty()) return text;
    constexpr const char* kMark = "conclave-question";
    const std::vector<engine::ChatMessage> messages = {{"user", kMark}};
    const auto prompt = model.renderChat(messages);
    if (!prompt || prompt->find(kMark) != std::string::npos) return {};
    return "has a chat template that leaves out what the user says, so the model does not read "
           "it; choose another model, or another file of this one.";
}

bool asksAboutEverything(std::string_view question) {
    if (surveyQuestionOf(question).isSure) return true;
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    if (recordQuestionOf(question, today)) return true;
    const auto quantity = quantityQuestionOf(question);
    return quantity && quantity->isOfAll;
}

bool listsPassages(const AnswerDetails& details) {
    return details.finishReason == kNoModelReason || details.finishReason == kNothingFoundReason ||
           details.finishReason == kUnsupportedReason || details.finishReason == kQuotedReason;
}

std::string searchedFor(const AnswerDetails& details) {
    const auto found = details.usage.find("searched_for");
    return found != details.usage.end() && found->is_string() ? found->get<std::string>()
                                                              : std::string();
}

DocumentFilter confinedTo(const AnswerDetails& details) {
    const auto found = details.usage.find("filter");
    return found != details.usage.end() ? DocumentFilter::fromJson(*found) : DocumentFilter();
}

std::optional<SurveyAccount> surveyAccountOf(const AnswerDetails& details) {
    const auto account = details.usage.find("survey");
    if (account == details.usage.end() || !account->is_object()) return std::nullopt;
    const auto number = [&](const char* key) {
        const auto found = account->find(key);
        return found != account->end() && found->is_number_integer() ? found->get<int>() : 0;
    };
    const auto skipped = account->find("skipped");
    const auto complete = account->find("complete");
    return SurveyAccount{
        .nDocumentsRead = number("documents"),
        .nDocuments = std::max(number("documents_all"), number("documents")),
        .nPassagesRead = number("passages"),
        .nPassages = std::max(number("passages_all"), number("passages")),
        .nSkipped = skipped != account->end() ? static_cast<int>(skipped->size()) : 0,
        .isComplete = complete == account->end() || *complete != nlohmann::json(false)};
}

bool isDemonstration(const engine::ModelInfo& model) {
    return profileOf(model, model.contextLength).isDemonstration;
}

nlohmann::json usageToJson(const engine::Usage& usage) {
    const std::chrono::duration<double, std::milli> firstToken = usage.timeToFirstToken;
    return {{"prompt_tokens", usage.promptTokens},   {"completion_tokens", usage.completionTokens},
            {"cached_tokens", usage.cachedTokens},   {"prefill_tps", usage.prefillSpeed()},
            {"decode_tps", usage.decodeSpeed()},     {"ttft_ms", firstToken.count()},
            {"guessed_tokens", usage.guessedTokens}, {"guessed_right", usage.guessedRight}};
}

nlohmann::json partsToJson(const engine::Model& model, std::span<const engine::TokenId> prompt,
                           std::string_view text, const nlohmann::ordered_json& tools) {
    const auto parser = model.outputParser(prompt, tools);
    parser->add(toValidUtf8(text));
    parser->finish();
    auto calls = nlohmann::json::array();
    for (const engine::ToolCall& call : parser->output().toolCalls) {
        auto arguments = nlohmann::json::parse(call.arguments, nullptr, false);
        if (arguments.is_discarded()) arguments = call.arguments;
        calls.push_back({{"name", call.name}, {"arguments", std::move(arguments)}});
    }
    nlohmann::json parts = {{"tool_calls", std::move(calls)}};
    const std::string& reasoning = parser->output().reasoning;
    if (!reasoning.empty()) parts["reasoning_content"] = reasoning;
    return parts;
}

}  // namespace conclave::services
