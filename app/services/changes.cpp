#include "app/services/changes.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "app/services/file_scan.h"

namespace conclave::services {
namespace {

/// An update would look into this document's file.
bool isToBeRead(const storage::Document& document, const ScannedFile& file) {
    return document.sizeBytes != file.sizeBytes || document.modifiedNs != file.modifiedNs ||
           document.state == storage::DocumentState::Pending ||
           document.state == storage::DocumentState::Unavailable;
}

}  // namespace

FileState fileStateOf(const storage::Document& document) {
    const auto scan = scanFiles(
        {document.path}, {}, [] { return true; }, true);
    if (!scan || scan->files.size() != 1) return FileState::Gone;
    const ScannedFile& file = scan->files.front();
    const bool isSame =
        file.sizeBytes == document.sizeBytes && file.modifiedNs == document.modifiedNs;
    return isSame ? FileState::AsRead : FileState::Changed;
}

std::optional<FileChanges> changesOf(const storage::Collection& collection,
                                     const std::vector<storage::Document>& documents,
                                     const std::vector<std::filesystem::path>& excluded,
                                     bool withPictures,
                                     std::chrono::steady_clock::time_point deadline) {
    const auto scan = scanFiles(
        collection.roots, excluded, [&] { return std::chrono::steady_clock::now() < deadline; },
        withPictures);
    if (!scan) return std::nullopt;
    std::unordered_map<std::string, const storage::Document*> known;
    for (const storage::Document& document : documents) {
        known.emplace(document.path.string(), &document);
    }
    FileChanges changes;
    for (const ScannedFile& file : scan->files) {
        const auto found = known.find(file.path.string());
        const bool isSame = found != known.end() && !isToBeRead(*found->second, file);
        if (found != known.end()) known.erase(found);
        if (isSame) continue;
        ++changes.nFiles;
        changes.bytes += file.sizeBytes;
    }
    for (const auto& [path, document] : known) {
        const bool isUnknown = std::any_of(
            scan->unreachable.begin(), scan->unreachable.end(),
            [&, &file = document->path](const auto& folder) { return isWithin(file, folder); });
        if (!isUnknown || document->state != storage::DocumentState::Unavailable) ++changes.nFiles;
    }
    return changes;
}

}  // namespace conclave::services
