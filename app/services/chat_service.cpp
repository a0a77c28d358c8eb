#include "app/services/chat_service.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include <unistd.h>

#include "app/services/file_scan.h"
#include "app/services/question.h"
#include "base/log.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

/// In Chat::settings: questions asked with retrieval switched off.
constexpr const char* kPlainKey = "plain_questions";
/// In Chat::settings: {"<question's id>": "passages" or "everything"}, where somebody chose.
constexpr const char* kScopeKey = "scopes";

std::string_view nameOf(Scope scope) {
    return scope == Scope::Passages ? "passages" : "everything";
}

Scope scopeOf(const Chat& chat, MessageId question) {
    const auto all = chat.settings.find(kScopeKey);
    if (all == chat.settings.end() || !all->is_object()) return Scope::Automatic;
    const auto own = all->find(std::to_string(question));
    if (own == all->end()) return Scope::Automatic;
    for (const Scope scope : {Scope::Passages, Scope::Everything}) {
        if (*own == nlohmann::json(nameOf(scope))) return scope;
    }
    return Scope::Automatic;
}

bool isPlain(const Chat& chat, MessageId question) {
    const auto all = chat.settings.find(kPlainKey);
    return all != chat.settings.end() && all->is_array() &&
           std::find(all->begin(), all->end(), nlohmann::json(question)) != all->end();
}

/// What the model held when it had written the last answer of a branch: prompt and answer. 0: no
/// model wrote one.
int tokensOfLastAnswer(std::span<const Message> branch) {
    for (std::size_t i = branch.size(); i-- > 0;) {
        if (!branch[i].details) continue;
        const nlohmann::json& usage = branch[i].details->usage;
        const int prompt = usage.value("prompt_tokens", 0);
        if (prompt > 0) return prompt + usage.value("completion_tokens", 0);
    }
    return 0;
}

void report(const AnswerEvents& events, Result<Message> result) {
    if (events.onFinished) events.onFinished(std::move(result));
}

}  // namespace

ChatServiceImpl::ChatServiceImpl(storage::Database& database, Library& library,
                                 CollectionServiceImpl& collections, ModelServiceImpl& models,
                                 SavedSessions& saved, Worker& quick, const StartOptions& options)
    : m_database(database),
      m_collections(collections),
      m_models(models),
      m_saved(saved),
      m_quick(quick),
      m_answerer(database, library, collections, models, saved,
                 {.nThreads = options.nThreads,
                  .nExpertsUsed = options.nExpertsUsed,
                  .draft = options.draft,
                  .kvType = options.kvTypes},
                 options.speculates, options.tools) {}

ChatServiceImpl::~ChatServiceImpl() { finish(); }

void ChatServiceImpl::finish() {
    {
        const std::lock_guard lock(m_mutex);
        for (const auto& job : m_jobs) job->stop.request_stop();
    }
    m_writer.finish();
    m_answerer.saveSessions();
}

// ------------------------------------------------------------------------------- chats, folders

void ChatServiceImpl::list(Reply<std::vector<Chat>> reply) {
    m_quick.post([this, reply = std::move(reply)] {
        auto all = m_database.chats().chats();
        if (all) std::erase_if(*all, isOneOff);
        reply(std::move(all));
    });
}

void ChatServiceImpl::load(ChatId id, Reply<ChatView> reply) {
    m_quick.post([this, id, reply = std::move(reply)] {
        auto chat = m_database.chats().chat(id);
        if (!chat) return reply(tl::unexpected(chat.error()));
        auto messages = m_database.chats().messages(id);
        if (!messages) return reply(tl::unexpected(messages.error()));
        auto draft = m_database.chats().draft(id);
        if (!draft) return reply(tl::unexpected(draft.error()));
        auto files = readDraftFiles(id);
        if (!files) return reply(tl::unexpected(files.error()));
        reply(
            ChatView{std::move(*chat), std::move(*messages), std::move(*draft), std::move(*files)});
    });
}

void ChatServiceImpl::rename(ChatId id, std::string_view title, Reply<void> reply) {
    m_quick.post([this, id, title = std::string(title), reply = std::move(reply)] {
        storage::ChatChange change;
        change.title = title;
        reply(m_database.chats().changeChat(id, change));
    });
}

void ChatServiceImpl::pin(ChatId id, bool pinned, Reply<void> reply) {
    m_quick.post([this, id, pinned, reply = std::move(reply)] {
        storage::ChatChange change;
        change.pinned = pinned;
        reply(m_database.chats().changeChat(id, change));
    });
}

void ChatServiceImpl::move(ChatId id, std::optional<FolderId> folder, Reply<void> reply) {
    m_quick.post([this, id, folder, reply = std::move(reply)] {
        storage::ChatChange change;
        change.folder = folder;
        reply(m_database.chats().changeChat(id, change));
    });
}

void ChatServiceImpl::changeSettings(ChatId id, const ChatSettings& settings, Reply<void> reply) {
    m_quick.post([this, id, json = settings.toJson(), reply = std::move(reply)]() mutable {
        const auto chat = m_database.chats().chat(id);
        if (!chat) return reply(tl::unexpected(chat.error()));
        for (const char* key : {kAttachmentsKey, kPlainKey, kScopeKey, kToolResultsKey}) {
            if (chat->settings.contains(key)) json[key] = chat->settings[key];
        }
        storage::ChatChange change;
        change.settings = std::move(json);
        reply(m_database.chats().changeChat(id, change));
    });
}

void ChatServiceImpl::remove(ChatId id, Reply<void> reply) {
    stop(id);
    m_quick.post([this, id, reply = std::move(reply)] {
        m_saved.forget(id);
        m_writer.post([this, id] { m_answerer.forget(id); });
        reply(m_database.chats().deleteChat(id));
    });
}

void ChatServiceImpl::restore(ChatId id, Reply<void> reply) {
    m_quick.post([this, id, reply = std::move(reply)] {
        m_saved.remember(id);
        reply(m_database.chats().restoreChat(id));
    });
}

void ChatServiceImpl::folders(Reply<std::vector<Folder>> reply) {
    m_quick.post([this, reply = std::move(reply)] { reply(m_database.chats().folders()); });
}

void ChatServiceImpl::createFolder(std::string_view name, Reply<FolderId> reply) {
    m_quick.post([this, name = std::string(name), reply = std::move(reply)] {
        reply(m_database.chats().createFolder(name));
    });
}

void ChatServiceImpl::renameFolder(FolderId id, std::string_view name, Reply<void> reply) {
    m_quick.post([this, id, name = std::string(name), reply = std::move(reply)] {
        reply(m_database.chats().renameFolder(id, name));
    });
}

void ChatServiceImpl::removeFolder(FolderId id, Reply<void> reply) {
    m_quick.post(
        [this, id, reply = std::move(reply)] { reply(m_database.chats().deleteFolder(id)); });
}

void ChatServiceImpl::search(std::string_view query, int limit,
                             Reply<std::vector<MessageHit>> reply) {
    m_quick.post([this, query = std::string(query), limit, reply = std::move(reply)] {
        reply(m_database.chats().searchMessages(query, limit));
    });
}

void ChatServiceImpl::saveDraft(std::optional<ChatId> chat, std::string_view text) {
    m_quick.post([this, chat, text = std::string(text)] {
        if (auto saved = m_database.chats().saveDraft(chat, text); !saved) {
            log().warn("a draft could not be saved: {}", saved.error().detail);
        }
    });
}

void ChatServiceImpl::draft(std::optional<ChatId> chat, Reply<std::string> reply) {
    m_quick.post([this, chat, reply = std::move(reply)] { reply(m_database.chats().draft(chat)); });
}

void ChatServiceImpl::selectBranch(ChatId id, MessageId leaf, Reply<void> reply) {
    m_quick.post([this, id, leaf, reply = std::move(reply)] {
        storage::ChatChange change;
        change.leaf = leaf;
        reply(m_database.chats().changeChat(id, change));
    });
}

// --------------------------------------------------------------------------------------- answers

Result<void> ChatServiceImpl::checkToolResults(const SendRequest& request) const {
    if (request.toolResults.empty()) return {};
    std::size_t nCalls = 0;
    if (request.chat) {
        const auto chat = m_database.chats().chat(*request.chat);
        if (!chat) return tl::unexpected(chat.error());
        if (chat->leaf) {
            const auto answer = m_database.chats().message(*chat->leaf);
            if (!answer) return tl::unexpected(answer.error());
            if (answer->details)
                nCalls = answer->details->usage.value("tool_calls", nlohmann::json()).size();
        }
    }
    if (nCalls == request.toolResults.size()) return {};
    return fail(ErrorCode::InvalidArgument,
                nCalls == 0
                    ? "the last answer asked for no tool"
                    : "the last answer asked for " + counted(nCalls, "tool", "tools") + ", but " +
                          std::to_string(request.toolResults.size()) + " results were given");
}

Result<Message> ChatServiceImpl::addQuestion(const SendRequest& request) {
    storage::ChatStore& chats = m_database.chats();
    storage::NewMessage question;
    question.text = request.text;
    if (request.chat) {
        const auto chat = chats.chat(*request.chat);
        if (!chat) return tl::unexpected(chat.error());
        question.chat = chat->id;
        question.parent = chat->leaf;
    } else {
        storage::NewChat chat;
        chat.title = titleFor(request.text);
        chat.settings = request.settings.toJson();
        if (request.isOneOff) chat.settings[kOneOffKey] = ::getpid();
        const auto id = chats.createChat(chat);
        if (!id) return tl::unexpected(id.error());
        question.chat = *id;
    }
    const auto id = chats.addMessage(question);
    if (!id) return tl::unexpected(id.error());

    const bool hasScope = request.scope != Scope::Automatic;
    const bool isPlainQuestion = !request.retrieval || !request.toolResults.empty();
    if (!request.attachments.empty() || isPlainQuestion || hasScope) {
        const auto chat = chats.chat(question.chat);
        if (!chat) return tl::unexpected(chat.error());
        storage::ChatChange change;
        change.settings = chat->settings;
        for (const fs::path& path : request.attachments) {
            (*change.settings)[kAttachmentsKey][std::to_string(*id)].push_back(
                tidyPath(path).string());
        }
        if (isPlainQuestion) (*change.settings)[kPlainKey].push_back(*id);
        if (!request.toolResults.empty()) {
            (*change.settings)[kToolResultsKey][std::to_string(*id)] = request.toolResults;
        }
        if (hasScope) (*change.settings)[kScopeKey][std::to_string(*id)] = nameOf(request.scope);
        if (auto changed = chats.changeChat(chat->id, change); !changed) {
            return tl::unexpected(changed.error());
        }
    }
    return chats.message(*id);
}

void ChatServiceImpl::send(SendRequest request, AnswerEvents events) {
    m_quick.post([this, request = std::move(request), events = std::move(events)]() mutable {
        if (request.text.find_first_not_of(" \t\r\n") == std::string::npos) {
            return report(events, fail(ErrorCode::InvalidArgument, "the message is empty"));
        }
        if (auto fits = checkToolResults(request); !fits) {
            return report(events, tl::unexpected(fits.error()));
        }
        const auto question = addQuestion(request);
        if (!question) return report(events, tl::unexpected(question.error()));
        enqueue(*question, request.retrieval, std::move(events));
    });
}

void ChatServiceImpl::regenerate(MessageId answer, AnswerEvents events) {
    m_quick.post([this, answer, events = std::move(events)]() mutable {
        const auto old = m_database.chats().message(answer);
        if (!old) return report(events, tl::unexpected(old.error()));
        if (old->role != Role::Assistant || !old->parent) {
            return report(events, fail(ErrorCode::InvalidArgument, "this message is no answer"));
        }
        const auto question = m_database.chats().message(*old->parent);
        if (!question) return report(events, tl::unexpected(question.error()));
        enqueue(*question, true, std::move(events));
    });
}

void ChatServiceImpl::edit(MessageId question, std::string text, AnswerEvents events) {
    m_quick.post([this, question, text = std::move(text), events = std::move(events)]() mutable {
        storage::ChatStore& chats = m_database.chats();
        const auto old = chats.message(question);
        if (!old) return report(events, tl::unexpected(old.error()));
        if (old->role != Role::User) {
            return report(events, fail(ErrorCode::InvalidArgument, "this message is no question"));
        }
        const auto chat = chats.chat(old->chat);
        if (!chat) return report(events, tl::unexpected(chat.error()));
        storage::NewMessage changed;
        changed.chat = old->chat;
        changed.parent = old->parent;
        changed.text = std::move(text);
        const auto id = chats.addMessage(changed);
        if (!id) return report(events, tl::unexpected(id.error()));

        const std::vector<fs::path> attachments = attachmentsOf(*chat, question);
        const bool plain = isPlain(*chat, question);
        const Scope scope = scopeOf(*chat, question);
        if (!attachments.empty() || plain || scope != Scope::Automatic) {
            storage::ChatChange change;
            change.settings = chat->settings;
            if (!attachments.empty()) {
                (*change.settings)[kAttachmentsKey][std::to_string(*id)] =
                    chat->settings[kAttachmentsKey][std::to_string(question)];
            }
            if (plain) (*change.settings)[kPlainKey].push_back(*id);
            if (scope != Scope::Automatic) {
                (*change.settings)[kScopeKey][std::to_string(*id)] = nameOf(scope);
            }
            if (auto saved = chats.changeChat(chat->id, change); !saved) {
                return report(events, tl::unexpected(saved.error()));
            }
        }
        const auto added = chats.message(*id);
        if (!added) return report(events, tl::unexpected(added.error()));
        enqueue(*added, true, std::move(events));
    });
}

void ChatServiceImpl::enqueue(const Message& question, bool retrieval, AnswerEvents events) {
    storage::ChatStore& chats = m_database.chats();
    storage::NewMessage empty;
    empty.chat = question.chat;
    empty.parent = question.id;
    empty.role = Role::Assistant;
    empty.state = MessageState::Streaming;
    const auto id = chats.addMessage(empty);
    if (!id) return report(events, tl::unexpected(id.error()));
    auto answer = chats.message(*id);
    if (!answer) return report(events, tl::unexpected(answer.error()));
    auto chat = chats.chat(question.chat);
    if (!chat) return report(events, tl::unexpected(chat.error()));

    auto job = std::make_shared<AnswerJob>();
    job->question = question;
    job->attachments = attachmentsOf(*chat, question.id);
    job->retrieval = retrieval && !isPlain(*chat, question.id);
    job->scope = scopeOf(*chat, question.id);
    job->answer = std::move(*answer);
    job->chat = std::move(*chat);
    job->events = std::move(events);
    {
        const std::lock_guard lock(m_mutex);
        m_jobs.push_back(job);
    }
    if (job->events.onStarted) job->events.onStarted(job->chat, job->question, job->answer);
    if (job->events.onStage) job->events.onStage({AnswerStage::Kind::Waiting});
    m_writer.post([this, job] { runJob(job); });
}

void ChatServiceImpl::runJob(const std::shared_ptr<AnswerJob>& job) {
    if (job->isTaken.exchange(true)) return;
    // Settings may have changed while the job waited.
    if (auto chat = m_database.chats().chat(job->chat.id)) {
        const std::lock_guard lock(m_mutex);  // stopNow() looks at it
        job->chat = std::move(*chat);
    }
    Result<Message> result = m_answerer.run(*job);
    dequeue(job);
    report(job->events, std::move(result));
    m_writer.post([this] { m_answerer.saveIdleSessions(); });
}

void ChatServiceImpl::dequeue(const std::shared_ptr<AnswerJob>& job) {
    const std::lock_guard lock(m_mutex);
    m_jobs.remove(job);
}

void ChatServiceImpl::stop(ChatId id) {
    stopNow(id);
    // Once more behind a send that has not got its place in the queue yet.
    m_quick.post([this, id] { stopNow(id); });
}

void ChatServiceImpl::stopNow(ChatId id) {
    std::vector<std::shared_ptr<AnswerJob>> waiting;
    {
        const std::lock_guard lock(m_mutex);
        for (const auto& job : m_jobs) {
            if (job->chat.id != id) continue;
            job->stop.request_stop();
            if (!job->isTaken.exchange(true)) waiting.push_back(job);
        }
    }
    for (const auto& job : waiting) {
        m_quick.post([this, job] {
            storage::ChatStore& chats = m_database.chats();
            auto saved = chats.updateMessage(job->answer.id, {}, MessageState::Stopped);
            dequeue(job);
            report(job->events, saved ? chats.message(job->answer.id)
                                      : Result<Message>(tl::unexpected(saved.error())));
        });
    }
}

void ChatServiceImpl::contextUse(std::optional<ChatId> chat, std::string draft,
                                 Reply<ContextUse> reply) {
    m_quick.post([this, chat, draft = std::move(draft), reply = std::move(reply)] {
        ContextUse use;
        const auto model = m_models.loadedNow();
        if (model == nullptr) return reply(use);
        ChatSettings settings;
        use.modelContextLength = model->info().contextLength;
        if (chat) {
            const auto found = m_database.chats().chat(*chat);
            if (!found) return reply(tl::unexpected(found.error()));
            settings = ChatSettings::fromJson(found->settings);
            if (found->leaf) {
                const auto branch = m_database.chats().branch(*found->leaf);
                if (!branch) return reply(tl::unexpected(branch.error()));
                use.usedTokens = tokensOfLastAnswer(*branch);
            }
        }
        use.contextLength = m_answerer.contextFor(*model, settings);
        if (!draft.empty() && use.usedTokens > 0) {
            use.usedTokens += static_cast<int>(model->tokenize(draft, {.addBos = false}).size());
        } else if (!draft.empty()) {
            PromptRequest request;
            request.question = draft;
            request.contextLength = std::numeric_limits<int>::max();
            const auto prompt =
                composePrompt(*model, profileOf(model->info(), use.contextLength), request);
            if (!prompt) return reply(tl::unexpected(prompt.error()));
            use.usedTokens = static_cast<int>(prompt->tokens.size());
        }
        use.usedTokens = std::min(use.usedTokens, use.contextLength);
        reply(use);
    });
}

void ChatServiceImpl::contextNeed(std::optional<int> contextLength, Reply<ContextNeed> reply) {
    m_quick.post([this, contextLength, reply = std::move(reply)] {
        const auto model = m_models.loadedNow();
        if (model == nullptr) return reply(ContextNeed{});
        ChatSettings settings;
        settings.contextLength = contextLength;
        reply(m_answerer.needOf(*model, settings));
    });
}

}  // namespace conclave::services
