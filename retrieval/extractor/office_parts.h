// office_parts.h: what the parts of an Office Open XML or OpenDocument archive have in common.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/text_builder.h"
#include "retrieval/extractor/xml_reader.h"

namespace conclave::retrieval::extractor {

/// One link from a part to another.
struct Relation {
    std::string type;    ///< last piece of its URI, as "worksheet"
    std::string target;  ///< name in the archive; empty for what is outside
};

/// Links of a part by identifier (ISO/IEC 29500-2); none if it has none or they are damaged.
[[nodiscard]] std::map<std::string, Relation, std::less<>> relationsOf(const Archive& archive,
                                                                       const std::string& part);

/// Targets of one type, in order of their identifiers.
[[nodiscard]] std::vector<std::string> targetsOf(
    const std::map<std::string, Relation, std::less<>>& relations, std::string_view type);

/// `target` beside the part `base` as a name in the archive; "." and ".." end inside it.
[[nodiscard]] std::string resolvePart(const std::string& base, std::string_view target);

/// The title in a part of properties; empty if there is none.
[[nodiscard]] std::string titleIn(const Archive& archive, const std::string& part);

/// Errors: PasswordRequired for an encrypted OpenDocument file.
[[nodiscard]] Result<void> checkOpenDocumentEncryption(const Archive& archive);

/// Adds the words of drawings (DrawingML: text boxes, diagrams) and comments to `builder`, one
/// paragraph each. A damaged part gives what comes before the damage. Errors: LimitExceeded.
[[nodiscard]] Result<void> addParagraphs(const Archive& archive, const std::string& part,
                                         TextBuilder& builder);

}  // namespace conclave::retrieval::extractor
