// guide_choice.h: the guide that comes with Conclave is no document of the user's.
#pragma once

#include <vector>

#include "app/services/services.h"
#include "storage/storage.h"

namespace conclave::services {

/// Takes the guide out of the collections of a question if all that can be chosen are asked and
/// another one of them has documents; tells whether it did. Errors: those of the database.
[[nodiscard]] Result<bool> leaveOutGuide(storage::DocumentStore& store,
                                         std::vector<CollectionId>& collections);

}  // namespace conclave::services
