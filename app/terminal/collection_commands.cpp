// `conclave collections`: what was read into them, and what could not be.
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "app/terminal/asking.h"
#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/output.h"
#include "base/visible_text.h"

namespace conclave::terminal {
namespace {

using services::Collection;
using services::Document;
using services::DocumentState;

Result<std::vector<Collection>> allCollections(services::Services& services) {
    return services::wait<std::vector<Collection>>(
        [&](auto reply) { services.collections().list(std::move(reply)); });
}

int listCollections(services::Services& services, bool isJson) {
    const auto all = allCollections(services);
    if (!all) return failed(all.error());
    nlohmann::json json = nlohmann::json::array();
    for (const Collection& each : *all) {
        nlohmann::json roots = nlohmann::json::array();
        std::string places;
        for (const auto& root : each.roots) {
            roots.push_back(root.string());
            places += (places.empty() ? "" : ", ") + visibleLine(root.string());
        }
        const auto documents = services::wait<std::vector<Document>>(
            [&](auto reply) { services.collections().documents(each.id, std::move(reply)); });
        if (!documents) return failed(documents.error());
        const int nCopies = services::nCopiesIn(*documents);
        json.push_back({{"name", each.name},
                        {"found", each.nFound()},
                        {"documents", each.nDocuments},
                        {"failed", each.nFailed},
                        {"waiting", each.nPending},
                        {"unavailable", each.nUnavailable},
                        {"copies", nCopies},
                        {"chunks", each.nChunks},
                        {"paths", std::move(roots)}});
        if (isJson) continue;
        std::cout << bold(each.name) << ": " << services::countsInWords(each, nCopies) << "; "
                  << services::counted(each.nChunks, "chunk", "chunks") << "  " << dim(places)
                  << '\n';
    }
    if (isJson) {
        printJson({{"collections", std::move(json)}});
    } else if (all->empty()) {
        note("no collections; make one as in: conclave index ~/papers --collection Papers");
    }
    return kSuccess;
}

/// How far a document has come. Its chunks and vectors are made within moments of its last page and
/// stored in one change of the database, so that there is nothing to tell in between.
std::string_view stateOf(const Document& document) {
    switch (document.state) {
        case DocumentState::Pending: return document.nPages > 0 ? "reading" : "seen";
        case DocumentState::Ready: return "ready";
        case DocumentState::Failed: return "failed";
        case DocumentState::NeedsOcr: return "needs_ocr";
        case DocumentState::Unavailable: return "unavailable";
    }
    return "unknown";
}

int showCollection(services::Services& services, services::CollectionId id, bool isJson) {
    const auto documents = services::wait<std::vector<Document>>(
        [&](auto reply) { services.collections().documents(id, std::move(reply)); });
    if (!documents) return failed(documents.error());
    nlohmann::json json = nlohmann::json::array();
    for (const Document& each : *documents) {
        json.push_back({{"path", each.path.string()},
                        {"state", stateOf(each)},
                        {"error", each.error},
                        {"pages", each.nPages},
                        {"chunks", each.nChunks},
                        {"warnings", each.warnings}});
        if (isJson) continue;
        std::cout << stateOf(each) << "  " << visibleLine(each.path.string());
        if (each.state == DocumentState::Pending && each.nPages > 0) {
            std::cout << "  " << dim(services::counted(each.nPages, "page", "pages") + " so far");
        }
        if (each.nChunks > 0) {
            std::cout << "  "
                      << dim(services::counted(each.nPages, "page", "pages") + ", " +
                             services::counted(each.nChunks, "chunk", "chunks"));
        }
        std::cout << '\n';
        if (!each.error.empty()) std::cout << "    " << visibleLine(each.error) << '\n';
        for (const std::string& warning : each.warnings) {
            std::cout << "    " << dim(visibleLine(warning)) << '\n';
        }
    }
    if (isJson) printJson({{"documents", std::move(json)}});
    return kSuccess;
}

int collections(const Arguments& arguments) {
    const std::vector<std::string>& plain = arguments.plain();
    const std::string what = plain.empty() ? "list" : plain.front();
    const bool isOfOne = what == "show" || what == "remove";
    if (what != "list" && !isOfOne) {
        note("conclave: collections is list, show or remove, not " + what);
        return kWrongUsage;
    }
    if (isOfOne ? plain.size() != 2 : plain.size() > 1) {
        note(isOfOne ? "conclave: collections " + what + " takes the name of one collection"
                     : "conclave: collections list takes no name; did you mean collections show?");
        return kWrongUsage;
    }
    const auto started = startServices(arguments, false);
    if (!started) return failed(started.error());
    services::Services& services = **started;
    const bool isJson = arguments.has("--json");
    if (!isOfOne) return listCollections(services, isJson);
    const auto ids = collectionsNamed(services, {plain[1]});
    if (!ids) return failed(ids.error());
    if (what == "show") return showCollection(services, ids->front(), isJson);
    const auto removed = services::wait<void>(
        [&](auto reply) { services.collections().remove(ids->front(), std::move(reply)); });
    if (!removed) return failed(removed.error());
    if (isJson) {
        printJson({{"removed", plain[1]}});
    } else {
        std::cout << "removed " << plain[1] << "; its files are where they were\n";
    }
    return kSuccess;
}

}  // namespace

std::vector<Command> collectionCommands() {
    return {{.name = "collections",
             .usage = "[list | show NAME | remove NAME] [OPTION…]",
             .summary = "list collections, show the state of their documents, remove one",
             .details = "States: seen (not read yet), reading (a scanned PDF, so many "
                        "pages so far), ready, failed (with the reason), needs_ocr "
                        "(pages without text), unavailable (its folder cannot be reached). "
                        "Removing a collection removes no file.",
             .example = "conclave collections show Papers --json",
             .nLeast = 0,
             .nMost = 2,
             .options = {},
             .run = collections}};
}

}  // namespace conclave::terminal
