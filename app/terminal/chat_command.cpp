// `conclave chat`: a conversation in the terminal.
#include <algorithm>
#include <iostream>

#include "app/terminal/asking.h"
#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/earlier_chats.h"
#include "app/terminal/input.h"
#include "app/terminal/interrupt.h"
#include "app/terminal/line_reader.h"
#include "app/terminal/output.h"
#include "base/visible_text.h"

namespace conclave::terminal {
namespace {

constexpr std::string_view kHelp =
    "/new                start a new chat\n"
    "/chats              list earlier chats; /chats N reopens one\n"
    "/collections        list the collections; + marks those that are asked\n"
    "/collections NAME   ask only this one from now on; /collections all: all of them\n"
    "/model              list the models; /model NAME chooses one\n"
    "/lora               list the LoRA adapters; /lora add FILE[=SCALE], /lora remove FILE or all\n"
    "/tool TEXT          give back what a tool gave that the answer asked for; /tool @FILE: a "
    "file's\n"
    "/context            tell how much of its context this chat takes; /context N: hold N tokens\n"
    "                    at a time from now on; /context auto: as many as memory has room for\n"
    "/regenerate         answer the last question again\n"
    "/edit TEXT          ask the last question in other words\n"
    "/sources            list the sources of the last answer; /sources N shows one\n"
    "/quit               leave (or Ctrl-D)\n"
    "Ctrl-C stops an answer. A line that ends in \\ goes on in the next.\n"
    "Up and Down bring back what was typed; Ctrl-R searches it.";

/// "/model Conclave Tiny" into "/model" and "Conclave Tiny".
std::pair<std::string, std::string> splitCommand(const std::string& line) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) return {line, {}};
    const std::size_t rest = line.find_first_not_of(' ', space);
    return {line.substr(0, space), rest == std::string::npos ? std::string() : line.substr(rest)};
}

class ChatLoop {
public:
    ChatLoop(services::Services& services, services::ChatSettings settings)
        : m_services(services), m_settings(std::move(settings)) {}

    /// Goes on with this chat.
    void reopen(const services::ChatView& view) {
        printEnd(view);
        m_chat = view.chat.id;
        m_toolResults.clear();
        m_answer.reset();
        std::vector<services::Message> shown = shownMessages(view);
        if (!shown.empty() && shown.back().role == services::Role::Assistant) {
            m_answer = std::move(shown.back());
        }
    }

    int run() {
        LineReader reader;
        std::string line;
        int nInterrupts = 0;
        while (true) {
            forgetInterrupts();
            const LineReader::Outcome outcome = reader.read(line);
            if (outcome == LineReader::Outcome::End) break;
            if (outcome == LineReader::Outcome::Interrupted) {
                if (++nInterrupts >= 2) break;
                note("\n(Ctrl-C again, Ctrl-D or /quit leaves)");
                continue;
            }
            nInterrupts = 0;
            forgetInterrupts();
            const std::size_t start = line.find_first_not_of(" \t\r");
            if (start == std::string::npos) continue;
            line = line.substr(start);
            if (line == "/quit" || line == "/exit") break;
            if (line.front() == '/') {
                command(line);
            } else {
                send(line);
            }
        }
        if (stdoutIsTerminal()) std::cout << '\n';
        return kSuccess;
    }

private:
    void command(const std::string& line) {
        const auto [name, rest] = splitCommand(line);
        if (name == "/help") {
            std::cout << kHelp << '\n';
        } else if (name == "/new") {
            m_answer.reset();
            m_chat.reset();
            m_toolResults.clear();
            note("(a new chat)");
        } else if (name == "/chats") {
            chats(rest);
        } else if (name == "/collections") {
            collections(rest);
        } else if (name == "/model") {
            model(rest);
        } else if (name == "/lora") {
            lora(rest);
        } else if (name == "/tool") {
            tool(rest);
        } else if (name == "/context") {
            context(rest);
        } else if (name == "/regenerate") {
            regenerate();
        } else if (name == "/edit") {
            edit(rest);
        } else if (name == "/sources") {
            sources(rest);
        } else {
            const std::string_view guess =
                nearest(name, {"/help", "/new", "/chats", "/collections", "/model", "/lora",
                               "/tool", "/context", "/regenerate", "/edit", "/sources", "/quit"});
            note("there is no " + name +
                 (guess.empty() ? "; /help lists all"
                                : "; did you mean " + std::string(guess) + "?"));
        }
    }

    void send(const std::string& text) {
        services::SendRequest request;
        request.chat = m_chat;
        request.text = text;
        request.settings = m_settings;
        show([&](services::AnswerEvents events) {
            m_services.chats().send(std::move(request), std::move(events));
        });
    }

    /// Results are gathered until there is one for each call of the answer.
    void tool(const std::string& given) {
        const auto calls = m_answer && m_answer->details
                               ? m_answer->details->usage.value("tool_calls", nlohmann::json())
                               : nlohmann::json();
        if (calls.empty()) return note("the last answer asked for no tool");
        if (given.empty()) return note("/tool needs what the tool gave, or @FILE");
        Result<std::string> result = given.front() == '@' ? readFile(given.substr(1)) : given;
        if (!result) {
            failed(result.error());
            return;
        }
        m_toolResults.push_back(std::move(*result));
        if (m_toolResults.size() < calls.size()) {
            return note("(" + std::to_string(m_toolResults.size()) + " of " +
                        std::to_string(calls.size()) + " results; next: " +
                        calls[m_toolResults.size()].value("name", std::string()) + ")");
        }
        services::SendRequest request;
        request.chat = m_chat;
        request.toolResults = std::move(m_toolResults);
        for (const std::string& each : request.toolResults) {
            request.text += (request.text.empty() ? "" : "\n\n") + each;
        }
        show([&](services::AnswerEvents events) {
            m_services.chats().send(std::move(request), std::move(events));
        });
    }

    void regenerate() {
        if (!m_answer) return note("there is no answer yet");
        show([&](services::AnswerEvents events) {
            m_services.chats().regenerate(m_answer->id, std::move(events));
        });
    }

    void edit(const std::string& text) {
        if (!m_answer || !m_answer->parent) return note("there is no question yet");
        if (text.empty()) return note("/edit needs the new text of the question");
        show([&](services::AnswerEvents events) {
            m_services.chats().edit(*m_answer->parent, text, std::move(events));
        });
    }

    void show(const StartAnswer& start) {
        m_toolResults.clear();
        auto answer = runAnswer(m_services, start, true);
        if (!answer) {
            failed(answer.error());
            return;
        }
        m_chat = answer->chat;
        printCitations(*answer);
        m_answer = std::move(*answer);
    }

    void chats(const std::string& number) {
        if (number.empty()) {
            const auto all = earlierChats(m_services);
            if (!all) {
                failed(all.error());
                return;
            }
            constexpr std::size_t kListed = 20;
            const std::size_t n = std::min(all->size(), kListed);
            printChats({all->begin(), all->begin() + static_cast<std::ptrdiff_t>(n)});
            if (n < all->size())
                note("(`conclave chats` lists all " + std::to_string(all->size()) + ")");
            return;
        }
        const auto view = openChat(m_services, number);
        if (!view) {
            failed(view.error());
            return;
        }
        m_settings = services::ChatSettings::fromJson(view->chat.settings);
        reopen(*view);
    }

    void collections(const std::string& name) {
        if (name == "all") {
            m_settings.collections.reset();
        } else if (!name.empty()) {
            auto ids = collectionsNamed(m_services, {name});
            if (!ids) {
                failed(ids.error());
                return;
            }
            m_settings.collections = std::move(*ids);
        }
        if (!name.empty()) storeSettings();
        const auto all = services::wait<std::vector<services::Collection>>(
            [&](auto reply) { m_services.collections().list(std::move(reply)); });
        if (!all) {
            failed(all.error());
            return;
        }
        for (const services::Collection& each : *all) {
            const auto& chosen = m_settings.collections;
            const bool isAsked =
                !chosen || std::find(chosen->begin(), chosen->end(), each.id) != chosen->end();
            std::cout << (isAsked ? "+ " : "  ") << each.name << "  "
                      << dim(services::countsInWords(each)) << '\n';
        }
    }

    /// Of a chat that is there; a new one is made with them.
    void storeSettings() {
        if (!m_chat) return;
        const auto changed = services::wait<void>([&](auto reply) {
            m_services.chats().changeSettings(*m_chat, m_settings, std::move(reply));
        });
        if (!changed) failed(changed.error());
    }

    void context(const std::string& given) {
        const auto model = m_services.models().loaded();
        if (!model) {
            failed(model.error());
            return;
        }
        const int longest = (*model)->info().contextLength;
        const auto number = parseNumber(given, true);
        if (given == "auto") {
            m_settings.contextLength.reset();
        } else if (number && *number >= 1 && *number <= longest) {
            m_settings.contextLength = static_cast<int>(*number);
        } else if (!given.empty()) {
            return note("/context takes 1 to " + std::to_string(longest) +
                        " tokens, which the model was made for, or auto");
        }
        if (!given.empty()) storeSettings();
        const auto use = services::wait<services::ContextUse>(
            [&](auto reply) { m_services.chats().contextUse(m_chat, {}, std::move(reply)); });
        if (!use) {
            failed(use.error());
            return;
        }
        const int held =
            m_chat ? use->contextLength : m_settings.contextLength.value_or(use->contextLength);
        std::cout << use->usedTokens << " of " << held
                  << " tokens are taken; the model was made for " << use->modelContextLength
                  << '\n';
    }

    void model(const std::string& name) {
        if (!name.empty()) {
            const auto chosen = services::wait<services::ModelEntry>(
                [&](auto reply) { m_services.models().choose(name, std::move(reply)); });
            if (!chosen) {
                failed(chosen.error());
                return;
            }
            note("(answers come from " + chosen->name + " now)");
            return;
        }
        const auto all = services::wait<std::vector<services::ModelEntry>>(
            [&](auto reply) { m_services.models().list(std::move(reply)); });
        if (!all) {
            failed(all.error());
            return;
        }
        const auto current = m_services.models().status().model.file;
        for (const services::ModelEntry& each : *all) {
            std::cout << (each.file == current ? "+ " : "  ") << each.name << "  "
                      << dim(each.problem.empty() ? each.file.string() : each.problem) << '\n';
        }
    }

    void lora(const std::string& given) {
        std::vector<services::AdapterFile> files = m_services.models().adapterFiles();
        const auto [verb, name] = splitCommand(given);
        if (verb == "add" && !name.empty()) {
            auto added = adapterFrom(name);
            if (!added) return note(added.error().detail);
            std::erase_if(files, [&](const auto& each) { return each.file == added->file; });
            files.push_back(std::move(*added));
        } else if (verb == "remove" && name == "all") {
            files.clear();
        } else if (verb == "remove" && !name.empty()) {
            const auto isMeant = [&, &wanted = name](const services::AdapterFile& each) {
                return each.file == wanted || each.file.filename() == wanted;
            };
            if (std::erase_if(files, isMeant) == 0) return note("there is no adapter " + name);
        } else if (!verb.empty()) {
            return note("/lora lists the adapters; /lora add FILE[=SCALE] and /lora remove FILE");
        }
        if (!verb.empty()) {
            const auto changed = services::wait<void>(
                [&](auto reply) { m_services.models().useAdapters(files, std::move(reply)); });
            if (!changed) {
                failed(changed.error());
                return;
            }
        }
        for (const services::AdapterFile& each : files) {
            std::cout << "+ " << each.file.string() << "  " << each.scale << '\n';
        }
        if (files.empty()) note("no adapters; /lora add FILE[=SCALE] adds one");
    }

    void sources(const std::string& which) {
        if (!m_answer || !m_answer->details || m_answer->details->passages.empty()) {
            return note("the last answer has no sources");
        }
        const auto number = parseNumber(which, true);
        if (!which.empty() && !number) return note("/sources takes the number of a source");
        constexpr std::size_t kPreview = 80;
        bool isFound = false;
        for (const services::StoredPassage& passage : m_answer->details->passages) {
            if (!number) {
                std::cout << "[" << passage.number << "] " << visibleLine(passage.title) << "  "
                          << dim(shortened(services::readableLine(passage.text, passage.path),
                                           kPreview))
                          << '\n';
            } else if (passage.number == static_cast<int>(*number)) {
                isFound = true;
                printPassage(passage);
            }
        }
        if (number && !isFound) note("there is no source " + which);
    }

    services::Services& m_services;
    services::ChatSettings m_settings;
    std::optional<services::ChatId> m_chat;
    std::optional<services::Message> m_answer;
    std::vector<std::string> m_toolResults;  ///< given so far for the calls of m_answer
};

int chat(const Arguments& arguments) {
    if (arguments.has("--json")) {
        note("conclave: a chat is no JSON document; `conclave ask QUESTION --json` prints one");
        return kWrongUsage;
    }
    if (arguments.has("--continue") && arguments.has("--resume")) {
        note("conclave: --continue and --resume exclude each other");
        return kWrongUsage;
    }
    const std::vector<std::string> docs = arguments.list("--docs");
    const auto started = startServices(arguments, docs.empty(), true);
    if (!started) return failed(started.error());
    services::Services& services = **started;
    if (const auto found = checkNamedModel(services, arguments); !found) {
        return failed(found.error());
    }
    const auto reopened = chatToReopen(services, arguments);
    if (!reopened) return failed(reopened.error());
    services::ChatSettings before;
    if (*reopened) before = services::ChatSettings::fromJson((*reopened)->chat.settings);
    auto settings = settingsFrom(services, arguments, before);
    if (!settings) return failed(settings.error());
    if (!docs.empty()) {
        const auto read = readDocs(services, docs, *settings);
        if (!read) return failed(read.error());
    } else {
        refresh(services, settings->collections.value_or(std::vector<services::CollectionId>{}));
    }
    // Loading goes on while the first question is typed; a problem shows with the answer.
    if (const auto model = services.models().loaded()) {
        noteUnknownTools(services, arguments);
        note("Conclave with " + (*model)->info().name + ". /help shows what you can do here.");
        noteDemonstration(services);
    } else {
        note("conclave: " + model.error().detail);
    }
    ChatLoop loop(services, *settings);
    if (*reopened) {
        if (settings->toJson() != before.toJson()) {
            const auto changed = services::wait<void>([&](auto reply) {
                services.chats().changeSettings((*reopened)->chat.id, *settings, std::move(reply));
            });
            if (!changed) return failed(changed.error());
        }
        loop.reopen(**reopened);
    }
    return loop.run();
}

}  // namespace

std::vector<Command> chatCommands() {
    std::vector<Option> options = {
        {"--continue", "", "go on with the latest chat", Option::Kind::Flag},
        {"--resume", "N", "go on with the chat of this number; `conclave chats` lists them",
         Option::Kind::Integer, 1, 1e15},
        {"--docs", "PATH…", "ask about these files and folders (read first, reused if unchanged)",
         Option::Kind::List},
        {"--collection", "NAME…", "ask these collections; all if neither this nor --docs is given",
         Option::Kind::List},
        {"--only-documents", "", "answer nothing that the documents do not say",
         Option::Kind::Flag},
        {"--as-written", "", "look up follow-up questions by their own words alone",
         Option::Kind::Flag},
        {"--system", "TEXT", "the system prompt"},
        adapterOption(),
        toolsOption(),
    };
    for (const Option& option : filterOptions()) options.push_back(option);
    for (const Option& option : speedOptions()) options.push_back(option);
    for (const Option& option : cacheOptions()) options.push_back(option);
    for (const Option& option : generationOptions()) options.push_back(option);
    for (const Option& option : samplingOptions()) options.push_back(option);
    return {{.name = "chat",
             .usage = "[OPTION…]",
             .summary = "talk with the model about your documents",
             .details = kHelp,
             .example = "conclave chat --collection Papers",
             .nLeast = 0,
             .nMost = 0,
             .options = options,
             .run = chat,
             .isInteractive = true}};
}

}  // namespace conclave::terminal
