#include "ui/chat_text.h"

#include <algorithm>
#include <map>
#include <set>

#include "ui/bridge.h"
#include "ui/markdown/thought.h"
#include "ui/models/chat_list_model.h"

namespace conclave::ui {

using services::Message;
using services::MessageId;

namespace {

/// From the first message to the one that was shown last.
std::vector<const Message*> shownMessages(const services::ChatView& view) {
    std::map<MessageId, const Message*> byId;
    for (const Message& message : view.messages) byId[message.id] = &message;
    std::vector<const Message*> shown;
    std::optional<MessageId> next = view.chat.leaf;
    if (!next && !view.messages.empty()) next = view.messages.back().id;
    while (next) {
        const auto found = byId.find(*next);
        if (found == byId.end()) break;
        shown.push_back(found->second);
        next = found->second->parent;
    }
    std::reverse(shown.begin(), shown.end());
    return shown;
}

/// "[1] Lease, page 2: /home/ada/lease.pdf", a line each.
std::string citedSources(const Message& answer) {
    std::string lines;
    if (!answer.details) return lines;
    std::set<int> cited;
    for (const auto& citation : answer.details->citations) cited.insert(citation.passage);
    for (const services::StoredPassage& passage : answer.details->passages) {
        if (!cited.contains(passage.number)) continue;
        const QString title = titleOfSource(passage.title, passage.path);
        lines += "- \\[" + std::to_string(passage.number) + "\\] " + title.toStdString() +
                 ", page " + std::to_string(passage.page) + ": `" + passage.path + "`\n";
    }
    return lines;
}

}  // namespace

std::string chatAsMarkdown(const services::ChatView& view) {
    std::string text = "# " + ChatListModel::titleOf(view.chat).toStdString() + "\n";
    for (const Message* message : shownMessages(view)) {
        if (message->role == services::Role::User) {
            const QString question = fromUtf8(message->text).simplified();
            text += "\n## " + question.toStdString() + "\n";
            continue;
        }
        text += "\n" + std::string(splitThought(message->text).answer) + "\n";
        if (const std::string sources = citedSources(*message); !sources.empty()) {
            text += "\n" + sources;
        }
    }
    return text;
}

}  // namespace conclave::ui
