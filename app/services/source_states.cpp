#include "app/services/source_states.h"

#include <algorithm>
#include <map>

#include "app/services/changes.h"

namespace conclave::services {
namespace {

constexpr const char* kSourceStatesKey = "source_states";
constexpr std::string_view kOutOfReach = "unavailable";
constexpr std::string_view kChangedSince = "changed";
constexpr const char* kHiddenTextKey = "hidden_text";  ///< numbers of passages

/// Empty: as it was read.
std::string_view sourceState(storage::DocumentStore& documents, DocumentId id) {
    const auto document = documents.document(id);
    if (!document) return {};
    if (document->state == DocumentState::Unavailable) return kOutOfReach;
    switch (fileStateOf(*document)) {
        case FileState::Gone: return kOutOfReach;
        case FileState::Changed: return kChangedSince;
        case FileState::AsRead: break;
    }
    return {};
}

bool hadHiddenText(storage::DocumentStore& documents, DocumentId id) {
    const auto document = documents.document(id);
    return document && std::any_of(document->warnings.begin(), document->warnings.end(),
                                   [](const std::string& warning) {
                                       return retrieval::tellsOfHiddenText(warning);
                                   });
}

}  // namespace

void noteSourceStates(storage::DocumentStore& documents, AnswerDetails& details) {
    nlohmann::json states = nlohmann::json::object();
    std::map<DocumentId, std::string_view> known;
    for (const StoredPassage& passage : details.passages) {
        if (!passage.document) continue;
        const auto [state, isNew] = known.try_emplace(*passage.document);
        if (isNew) state->second = sourceState(documents, *passage.document);
        if (!state->second.empty()) states[std::to_string(passage.number)] = state->second;
    }
    if (!states.empty()) details.usage[kSourceStatesKey] = std::move(states);
    nlohmann::json hidden = nlohmann::json::array();
    for (const StoredPassage& passage : details.passages) {
        if (passage.document && hadHiddenText(documents, *passage.document)) {
            hidden.push_back(passage.number);
        }
    }
    if (!hidden.empty()) details.usage[kHiddenTextKey] = std::move(hidden);
}

std::vector<SourceWarning> warningsOf(const AnswerDetails& details, const StoredPassage& passage) {
    std::vector<SourceWarning> warnings;
    if (!ordersIn(passage.text).empty()) warnings.push_back(SourceWarning::Orders);
    const auto hidden = details.usage.find(kHiddenTextKey);
    if (hidden != details.usage.end() && hidden->is_array() &&
        std::find(hidden->begin(), hidden->end(), passage.number) != hidden->end()) {
        warnings.push_back(SourceWarning::Hidden);
    }
    const auto states = details.usage.find(kSourceStatesKey);
    if (states == details.usage.end() || !states->is_object()) return warnings;
    const auto state = states->find(std::to_string(passage.number));
    if (state == states->end()) return warnings;
    warnings.push_back(*state == kOutOfReach ? SourceWarning::Unavailable : SourceWarning::Changed);
    return warnings;
}

std::string inWords(SourceWarning warning) {
    switch (warning) {
        case SourceWarning::Orders:
            return "it gives orders to an AI assistant, which are no facts and may be meant to "
                   "mislead";
        case SourceWarning::Unavailable:
            return "its file cannot be reached; this is what was read of it before";
        case SourceWarning::Changed: return "its file was changed since it was read";
        case SourceWarning::Hidden:
            return "it has text that its readers do not see, which was left out";
    }
    return {};
}

}  // namespace conclave::services
