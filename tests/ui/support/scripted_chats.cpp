// The scripted services' chats and answers.
#include <algorithm>

#include "tests/ui/support/scripted_services.h"

namespace conclave::ui::test {

using namespace services;

namespace {

storage::Time timeNow() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
}

}  // namespace

void ScriptedServices::list(Reply<std::vector<Chat>> reply) {
    m_replies.run([this, reply] {
        std::vector<Chat> chats;
        {
            const std::scoped_lock lock(mutex);
            if (listError) return reply(tl::unexpected(*listError));
            for (const auto& [id, chat] : m_chats) chats.push_back(chat);
        }
        reply(chats);
    });
}

void ScriptedServices::load(ChatId id, Reply<ChatView> reply) {
    m_replies.run([this, id, reply] {
        ChatView view;
        {
            const std::scoped_lock lock(mutex);
            if (!m_chats.contains(id)) {
                reply(fail(ErrorCode::NotFound, "chat " + std::to_string(id)));
                return;
            }
            view.chat = m_chats[id];
            for (const auto& [key, message] : m_messages) {
                if (message.chat == id) view.messages.push_back(message);
            }
            if (drafts.contains(id)) view.draft = drafts[id];
            if (draftedFiles.contains(id)) view.draftFiles = draftedFiles[id];
        }
        reply(view);
    });
}

void ScriptedServices::rename(ChatId id, std::string_view title, Reply<void> reply) {
    m_replies.run([this, id, title = std::string(title), reply] {
        {
            const std::scoped_lock lock(mutex);
            if (m_chats.contains(id)) m_chats[id].title = title;
            if (m_collections.contains(id)) m_collections[id].name = title;
        }
        reply({});
    });
}

void ScriptedServices::pin(ChatId id, bool pinned, Reply<void> reply) {
    m_replies.run([this, id, pinned, reply] {
        {
            const std::scoped_lock lock(mutex);
            m_chats[id].pinned = pinned;
        }
        reply({});
    });
}

void ScriptedServices::move(ChatId, std::optional<FolderId>, Reply<void> reply) { reply({}); }

void ScriptedServices::changeSettings(ChatId id, const ChatSettings& next, Reply<void> reply) {
    m_replies.run([this, id, next, reply] {
        {
            const std::scoped_lock lock(mutex);
            m_chats[id].settings = next.toJson();
        }
        reply({});
    });
}

void ScriptedServices::remove(ChatId id, Reply<void> reply) {
    m_replies.run([this, id, reply] {
        {
            const std::scoped_lock lock(mutex);
            m_collections.erase(id);
            if (const auto chat = m_chats.extract(id)) m_trash[id] = chat.mapped();
        }
        reply({});
    });
}

void ScriptedServices::restore(ChatId id, Reply<void> reply) {
    m_replies.run([this, id, reply] {
        {
            const std::scoped_lock lock(mutex);
            if (const auto chat = m_trash.extract(id)) m_chats[id] = chat.mapped();
        }
        reply({});
    });
}

void ScriptedServices::trash(Reply<std::vector<DeletedChat>> reply) {
    m_replies.run([this, reply] {
        std::vector<DeletedChat> deleted;
        {
            const std::scoped_lock lock(mutex);
            for (const auto& [id, chat] : m_trash) deleted.push_back({chat, timeNow()});
        }
        reply(deleted);
    });
}

void ScriptedServices::removeForGood(ChatId id, Reply<void> reply) {
    m_replies.run([this, id, reply] {
        {
            const std::scoped_lock lock(mutex);
            m_trash.erase(id);
        }
        reply({});
    });
}

void ScriptedServices::saveDraftFiles(std::optional<ChatId> chat,
                                      std::vector<std::filesystem::path> files) {
    m_replies.run([this, chat, files = std::move(files)] {
        const std::scoped_lock lock(mutex);
        draftedFiles[chat.value_or(0)] = files;
    });
}

void ScriptedServices::draftFiles(std::optional<ChatId> chat,
                                  Reply<std::vector<std::filesystem::path>> reply) {
    m_replies.run([this, chat, reply] {
        std::vector<std::filesystem::path> files;
        {
            const std::scoped_lock lock(mutex);
            files = draftedFiles[chat.value_or(0)];
        }
        reply(files);
    });
}

void ScriptedServices::attached(ChatId id, Reply<std::vector<Document>> reply) {
    m_replies.run([this, id, reply] {
        std::vector<Document> documents;
        {
            const std::scoped_lock lock(mutex);
            documents = attachedFiles[id];
        }
        reply(documents);
    });
}

void ScriptedServices::detach(ChatId id, const std::filesystem::path& file, Reply<void> reply) {
    m_replies.run([this, id, file, reply] {
        {
            const std::scoped_lock lock(mutex);
            std::erase_if(attachedFiles[id],
                          [&](const Document& document) { return document.path == file; });
        }
        reply({});
    });
}

void ScriptedServices::folders(Reply<std::vector<Folder>> reply) { reply(std::vector<Folder>{}); }
void ScriptedServices::createFolder(std::string_view, Reply<FolderId> reply) { reply(FolderId{1}); }
void ScriptedServices::renameFolder(FolderId, std::string_view, Reply<void> reply) { reply({}); }
void ScriptedServices::removeFolder(FolderId, Reply<void> reply) { reply({}); }

void ScriptedServices::search(std::string_view query, int, Reply<std::vector<MessageHit>> reply) {
    m_replies.run([this, query = std::string(query), reply] {
        std::vector<MessageHit> hits;
        {
            const std::scoped_lock lock(mutex);
            for (const auto& [id, message] : m_messages) {
                const std::size_t at = message.text.find(query);
                if (at == std::string::npos) continue;
                MessageHit hit{message.chat, id, m_chats[message.chat].title, {}, message.created};
                hit.snippet = message.text.substr(0, at) + "\uE000" + query + "\uE001" +
                              message.text.substr(at + query.size());
                hits.push_back(hit);
            }
        }
        reply(hits);
    });
}

void ScriptedServices::saveDraft(std::optional<ChatId> chat, std::string_view text) {
    const std::scoped_lock lock(mutex);
    drafts[chat.value_or(0)] = text;
}

void ScriptedServices::draft(std::optional<ChatId> chat, Reply<std::string> reply) {
    m_replies.run([this, chat, reply] {
        std::string text;
        {
            const std::scoped_lock lock(mutex);
            text = drafts[chat.value_or(0)];
        }
        reply(text);
    });
}

void ScriptedServices::answer(ChatId chat, const std::optional<Message>& question, MessageId parent,
                              const AnswerEvents& events) {
    m_stop = false;
    m_generation.run([this, chat, question, parent, events, plan = script] {
        Message message;
        Chat shown;
        {
            const std::scoped_lock lock(mutex);
            message = makeMessage(chat, Role::Assistant, {}, parent);
            message.state = MessageState::Streaming;
            m_messages[message.id] = message;
            m_chats[chat].updated = timeNow();
            shown = m_chats[chat];
        }
        events.onStarted(shown, question, message);
        events.onStage({AnswerStage::Kind::Searching, 0.0f});
        if (!plan.passages.empty()) events.onPassages(plan.passages);
        events.onStage({AnswerStage::Kind::Reading, 0.5f});
        if (plan.fails) {
            events.onFinished(fail(ErrorCode::NotFound, plan.error));
            return;
        }
        std::size_t written = 0;
        while (written < plan.answer.size() && !m_stop) {
            std::this_thread::sleep_for(plan.perStep);
            written = std::min(plan.answer.size(), written + plan.bytesPerStep);
            while (written < plan.answer.size() &&
                   (static_cast<unsigned char>(plan.answer[written]) & 0xC0u) == 0x80u)
                ++written;
            events.onText(plan.answer.substr(0, written), 24.5);
        }
        message.text = plan.answer.substr(0, written);
        message.state =
            written == plan.answer.size() ? MessageState::Complete : MessageState::Stopped;
        AnswerDetails details;
        details.model = "Conclave Tiny 20M";
        details.passages = plan.passages;
        details.citations = plan.citations;
        details.usage = {{"decode_tps", 24.5}, {"completion_tokens", 42}};
        message.details = details;
        {
            const std::scoped_lock lock(mutex);
            m_messages[message.id] = message;
        }
        events.onFinished(message);
    });
}

void ScriptedServices::send(SendRequest request, AnswerEvents events) {
    const std::scoped_lock lock(mutex);
    if (sendError) {
        m_replies.run([events, error = *sendError] { events.onFinished(tl::unexpected(error)); });
        return;
    }
    sent.push_back(request);
    ChatId chat = request.chat.value_or(0);
    if (!chat) {
        chat = m_nextId++;
        m_chats[chat].id = chat;
        m_chats[chat].title = request.text.substr(0, 40);
        m_chats[chat].created = m_chats[chat].updated = timeNow();
        m_chats[chat].settings = request.settings.toJson();
    }
    const Message question = makeMessage(chat, Role::User, request.text, m_chats[chat].leaf);
    for (const auto& file : request.attachments) {
        m_chats[chat].settings["attachments"][std::to_string(question.id)].push_back(file.string());
        Document document;
        document.id = m_nextId++;
        document.path = file;
        document.state = DocumentState::Ready;
        m_documents[document.id] = {document, {{1, "Text of " + file.filename().string()}}};
        attachedFiles[chat].push_back(document);
    }
    answer(chat, question, question.id, events);
}

void ScriptedServices::regenerate(MessageId id, AnswerEvents events) {
    const std::scoped_lock lock(mutex);
    const Message old = m_messages[id];
    answer(old.chat, std::nullopt, old.parent.value_or(0), events);
}

void ScriptedServices::edit(MessageId id, std::string text, AnswerEvents events) {
    const std::scoped_lock lock(mutex);
    const Message old = m_messages[id];
    const Message question = makeMessage(old.chat, Role::User, text, old.parent);
    answer(old.chat, question, question.id, events);
}

void ScriptedServices::stop(ChatId) { m_stop = true; }

void ScriptedServices::selectBranch(ChatId id, MessageId leaf, Reply<void> reply) {
    m_replies.run([this, id, leaf, reply] {
        {
            const std::scoped_lock lock(mutex);
            m_chats[id].leaf = leaf;
        }
        reply({});
    });
}

void ScriptedServices::contextUse(std::optional<ChatId> chat, std::string draft,
                                  Reply<ContextUse> reply) {
    m_replies.run([this, chat, draft, reply] {
        {
            const std::scoped_lock lock(mutex);
            measured = chat ? m_chats[*chat].leaf : std::nullopt;
        }
        reply(ContextUse{312 + static_cast<int>(draft.size() / 4), 1024, 1024});
    });
}

void ScriptedServices::contextNeed(std::optional<int> contextLength, Reply<ContextNeed> reply) {
    m_replies.run([this, contextLength, reply] {
        ContextNeed need;
        {
            const std::scoped_lock lock(mutex);
            need = contextNeeded;
        }
        need.contextLength =
            std::min(contextLength.value_or(need.modelContextLength), need.modelContextLength);
        need.bytes *= static_cast<std::uint64_t>(need.contextLength);
        need.fits = need.contextLength <= need.longestContext;
        reply(need);
    });
}

}  // namespace conclave::ui::test
