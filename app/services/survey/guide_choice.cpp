#include "app/services/survey/guide_choice.h"

#include <algorithm>

#include "app/services/collection_service.h"

namespace conclave::services {

Result<bool> leaveOutGuide(storage::DocumentStore& store, std::vector<CollectionId>& collections) {
    const auto all = store.collections();
    if (!all) return tl::unexpected(all.error());
    const auto isAsked = [&](const storage::Collection& each) {
        return std::find(collections.begin(), collections.end(), each.id) != collections.end();
    };
    bool hasOthers = false;
    bool isAll = true;
    const storage::Collection* guide = nullptr;
    for (const storage::Collection& each : *all) {
        if (each.name == kGuideName) {
            guide = &each;
        } else {
            hasOthers = hasOthers || (isAsked(each) && each.nDocuments > 0);
            isAll = isAll && (isAsked(each) || isHidden(each));
        }
    }
    if (guide == nullptr || !isAsked(*guide) || !hasOthers || !isAll) return false;
    std::erase(collections, guide->id);
    return true;
}

}  // namespace conclave::services
