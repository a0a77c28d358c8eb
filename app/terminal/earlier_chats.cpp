#include "app/terminal/earlier_chats.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <iostream>

#include "app/terminal/arguments.h"
#include "app/terminal/console.h"
#include "app/terminal/output.h"

namespace conclave::terminal {
namespace {

using Time = decltype(services::Chat::updated);

std::string written(Time time, const char* form, bool isLocal) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
    std::tm parts{};
    if (isLocal) {
        ::localtime_r(&seconds, &parts);
    } else {
        ::gmtime_r(&seconds, &parts);
    }
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), form, &parts)};
}

constexpr std::size_t kTitleLength = 60;

int chats(const Arguments& arguments) {
    if (!arguments.plain().empty() && arguments.plain().front() != "list") {
        note("conclave: chats knows only `list`; `conclave chat --resume N` reopens a chat");
        return kWrongUsage;
    }
    const auto started = startServices(arguments, false);
    if (!started) return failed(started.error());
    const auto all = earlierChats(**started);
    if (!all) return failed(all.error());
    if (arguments.has("--json")) {
        nlohmann::json json = nlohmann::json::array();
        for (const services::Chat& chat : *all) {
            json.push_back({{"id", chat.id},
                            {"title", chat.title},
                            {"pinned", chat.pinned},
                            {"created", written(chat.created, "%FT%TZ", false)},
                            {"updated", written(chat.updated, "%FT%TZ", false)}});
        }
        printJson({{"chats", json}});
        return kSuccess;
    }
    printChats(*all);
    note(all->empty() ? "there are no chats yet; `conclave chat` begins one"
                      : "`conclave chat --resume N` reopens the chat of that number, "
                        "`conclave chat --continue` the latest");
    return kSuccess;
}

}  // namespace

Result<std::vector<services::Chat>> earlierChats(services::Services& services) {
    auto chats = services::wait<std::vector<services::Chat>>(
        [&](auto reply) { services.chats().list(std::move(reply)); });
    if (chats) {
        std::stable_sort(chats->begin(), chats->end(),
                         [](const auto& a, const auto& b) { return a.updated > b.updated; });
    }
    return chats;
}

void printChats(const std::vector<services::Chat>& chats) {
    for (const services::Chat& chat : chats) {
        std::cout << bold(std::to_string(chat.id)) << "  "
                  << dim(written(chat.updated, "%F %H:%M", true)) << "  "
                  << shortened(chat.title.empty() ? "(untitled)" : chat.title, kTitleLength)
                  << '\n';
    }
}

Result<services::ChatView> openChat(services::Services& services, std::string_view number) {
    const auto id = parseNumber(number, true);
    const auto none = [&] {
        return fail(ErrorCode::NotFound,
                    "there is no chat " + std::string(number) + "; `conclave chats` lists them");
    };
    if (!id) return none();
    auto view = services::wait<services::ChatView>([&](auto reply) {
        services.chats().load(static_cast<services::ChatId>(*id), std::move(reply));
    });
    if (!view && view.error().code == ErrorCode::NotFound) return none();
    return view;
}

Result<std::optional<services::ChatView>> chatToReopen(services::Services& services,
                                                       const Arguments& arguments) {
    std::string number = arguments.text("--resume");
    if (arguments.has("--continue")) {
        const auto all = earlierChats(services);
        if (!all) return tl::unexpected(all.error());
        if (all->empty()) {
            return fail(ErrorCode::NotFound, "there is no chat yet; `conclave chat` begins one");
        }
        number = std::to_string(all->front().id);
    }
    if (number.empty()) return std::nullopt;
    auto view = openChat(services, number);
    if (!view) return tl::unexpected(view.error());
    return std::move(*view);
}

std::vector<services::Message> shownMessages(const services::ChatView& view) {
    std::vector<services::Message> shown;
    for (std::optional<services::MessageId> id = view.chat.leaf; id;) {
        const auto found = std::find_if(view.messages.begin(), view.messages.end(),
                                        [&](const auto& each) { return each.id == *id; });
        if (found == view.messages.end()) break;
        shown.push_back(*found);
        id = found->parent;
    }
    std::reverse(shown.begin(), shown.end());
    return shown;
}

void printEnd(const services::ChatView& view) {
    constexpr std::ptrdiff_t kNewest = 4;  // two questions with their answers
    const std::vector<services::Message> shown = shownMessages(view);
    const auto nEarlier = std::max<std::ptrdiff_t>(std::ssize(shown) - kNewest, 0);
    note("(chat " + std::to_string(view.chat.id) + ": " +
         shortened(view.chat.title.empty() ? "untitled" : view.chat.title, kTitleLength) +
         (nEarlier > 0
              ? ", after " +
                    services::counted(static_cast<std::size_t>(nEarlier), "message", "messages") +
                    " that are not shown"
              : "") +
         ")");
    for (auto message = shown.begin() + nEarlier; message != shown.end(); ++message) {
        const bool isQuestion = message->role == services::Role::User;
        std::cout << (isQuestion ? bold("> " + message->text) : message->text) << '\n';
        if (!isQuestion) printCitations(*message);
    }
}

std::vector<Command> earlierChatCommands() {
    return {{.name = "chats",
             .usage = "[list] [OPTION…]",
             .summary = "list earlier chats, latest first",
             .details = "`conclave chat --resume N` goes on with one of them.",
             .example = "conclave chats",
             .nLeast = 0,
             .nMost = 1,
             .options = {},
             .run = chats}};
}

}  // namespace conclave::terminal
