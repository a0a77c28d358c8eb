// Commands that look after the data: doctor, backup, restore.
#include <iostream>

#include "app/terminal/commands.h"
#include "app/terminal/console.h"
#include "app/terminal/output.h"

namespace conclave::terminal {
namespace fs = std::filesystem;
namespace {

int repair(bool isJson) {
    const auto places = findPlaces();
    if (!places) return failed(places.error());
    const auto repaired = services::repair(*places);
    if (!repaired) return failed(repaired.error());
    nlohmann::json losses = nlohmann::json::array();
    for (const auto& loss : repaired->losses) {
        losses.push_back({{"table", loss.table}, {"saved", loss.nSaved}});
    }
    if (isJson) {
        printJson({{"repaired", places->database().string()},
                   {"kept", repaired->kept.string()},
                   {"losses", std::move(losses)}});
    } else {
        std::cout << "repaired " << places->database().string() << "; the damaged file is kept as "
                  << repaired->kept.string() << '\n';
        for (const auto& loss : repaired->losses) {
            std::cout << "LOST     a part of the table " << loss.table << ": "
                      << services::counted(loss.nSaved, "row", "rows")
                      << " could be saved, the others not\n";
        }
        if (!repaired->losses.empty()) {
            note(
                "A backup may have what is lost: `conclave restore FILE` puts it in place. "
                "Documents "
                "that lost a part are read again at the next `conclave index` or start of the "
                "window.");
        }
    }
    return repaired->losses.empty() ? kSuccess : kFailure;
}

int doctor(const Arguments& arguments) {
    const bool isJson = arguments.has("--json");
    if (arguments.has("--repair")) return repair(isJson);
    std::vector<services::Finding> findings;
    if (const auto started = startServices(arguments, false)) {
        auto found = services::wait<std::vector<services::Finding>>(
            [&](auto reply) { (*started)->doctor(std::move(reply)); });
        if (!found) return failed(found.error());
        findings = std::move(*found);
    } else {
        findings.push_back({false, "database", started.error().detail});
    }
    bool isGood = true;
    nlohmann::json json = nlohmann::json::array();
    for (const services::Finding& finding : findings) {
        isGood = isGood && finding.ok;
        json.push_back(
            {{"ok", finding.ok}, {"subject", finding.subject}, {"detail", finding.detail}});
        if (!isJson) {
            std::cout << (finding.ok ? "ok       " : "PROBLEM  ") << finding.subject
                      << (finding.detail.empty() ? "" : ": " + finding.detail) << '\n';
        }
    }
    if (isJson) printJson({{"ok", isGood}, {"findings", json}});
    if (!isGood) note("conclave: something needs attention, see above");
    return isGood ? kSuccess : kFailure;
}

int backup(const Arguments& arguments) {
    const auto started = startServices(arguments, false);
    if (!started) return failed(started.error());
    std::error_code ignored;
    const fs::path to = fs::absolute(arguments.plain().front(), ignored);
    const auto saved =
        services::wait<void>([&](auto reply) { (*started)->backup(to, std::move(reply)); });
    if (!saved) return failed(saved.error());
    if (arguments.has("--json")) {
        printJson({{"file", to.string()}, {"bytes", fs::file_size(to, ignored)}});
    } else {
        std::cout << to.string() << '\n';
    }
    return kSuccess;
}

int restore(const Arguments& arguments) {
    const auto places = findPlaces();
    if (!places) return failed(places.error());
    const std::string& from = arguments.plain().front();
    const auto kept = services::restoreBackup(*places, from);
    if (!kept && kept.error().code == ErrorCode::Corrupt) {
        // The advice of a damaged database, to restore a backup, is of no use about a backup.
        return failed({ErrorCode::Corrupt,
                       from + " is damaged or no backup of Conclave, so nothing was changed; "
                              "restore another backup. If there is none and the database in use is "
                              "damaged, save what can be read of it: conclave doctor --repair"});
    }
    if (!kept) return failed(kept.error());
    if (arguments.has("--json")) {
        printJson({{"restored", places->database().string()}, {"kept", kept->string()}});
    } else {
        std::cout << "restored " << places->database().string();
        if (!kept->empty()) std::cout << "; the former one is kept as " << kept->string();
        std::cout << '\n';
    }
    return kSuccess;
}

}  // namespace

std::vector<Command> upkeepCommands() {
    return {
        {.name = "doctor",
         .usage = "[OPTION…]",
         .summary = "check the database, the index, the models and the disk",
         .details = "Reports only, unless --repair is given.",
         .example = "conclave doctor",
         .nLeast = 0,
         .nMost = 0,
         .options = {{"--repair", "", "save what can be read of a damaged database into a new one",
                      Option::Kind::Flag}},
         .run = doctor},
        {.name = "backup",
         .usage = "FILE",
         .summary = "copy all chats, collections and settings into one file",
         .details = "Works while Conclave runs. The copy is verified; an existing file is never "
                    "overwritten.",
         .example = "conclave backup ~/conclave-backup.db",
         .nLeast = 1,
         .nMost = 1,
         .options = {},
         .run = backup},
        {.name = "restore",
         .usage = "FILE",
         .summary = "put a backup in the place of the database",
         .details = "The backup is checked first, and the database that was there is kept. Close "
                    "Conclave before.",
         .example = "conclave restore ~/conclave-backup.db",
         .nLeast = 1,
         .nMost = 1,
         .options = {},
         .run = restore},
    };
}

}  // namespace conclave::terminal
