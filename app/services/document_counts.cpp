#include "app/services/document_counts.h"

#include <set>
#include <string_view>

#include "app/services/reading.h"

namespace conclave::services {

int nCopiesIn(std::span<const storage::Document> documents) {
    std::set<std::string_view> contents;
    int nCopies = 0;
    for (const storage::Document& document : documents) {
        if (document.state != storage::DocumentState::Ready || document.sha256.empty()) continue;
        if (!contents.insert(document.sha256).second) ++nCopies;
    }
    return nCopies;
}

std::string countsInWords(const storage::Collection& collection, int nCopies) {
    const int nFound = collection.nFound();
    const std::string all = counted(nFound, "document", "documents");
    // What cannot be reached now was read before, and is still searched.
    const int nRead = collection.nDocuments + collection.nUnavailable;
    std::string words = nRead == nFound ? all : grouped(nRead) + " of " + all + " read";
    const auto add = [&](int n, std::string_view what) {
        if (n > 0) words.append(", ").append(grouped(n)).append(what);
    };
    add(collection.nFailed, " could not be read");
    add(collection.nPending, " waiting");
    add(collection.nUnavailable, " unavailable");
    add(nCopies, nCopies == 1 ? " copy" : " copies");
    return words;
}

}  // namespace conclave::services
