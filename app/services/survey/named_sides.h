// named_sides.h: which documents the two sides of a comparison name.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

struct NamedSides {
    std::map<DocumentId, int> sideOf;  ///< empty: the sides are looked for by their words
    std::vector<std::string> missing;  ///< sides that are said like a name, and nothing is named so
};

/// `sides` are two, as they are written: "lease A", "Elm Street 12.txt", "三号合同". A document is
/// named so if its title or its file's name is these words; or has them, if the side says a kind of
/// document, a number or a letter, or is a name that no other document has ("Brunner" of "Lease
/// contract: Brunner Bakery"). Both sides must name documents, else none does.
[[nodiscard]] NamedSides namedSidesOf(const std::vector<std::string>& sides,
                                      const std::vector<Document>& documents);

/// Whether a file is named as one of the sides says.
[[nodiscard]] bool isNamedAs(const std::vector<std::string>& sides,
                             const std::filesystem::path& path);

}  // namespace conclave::services
