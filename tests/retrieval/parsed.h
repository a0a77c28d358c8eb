// parsed.h: a document read in this process, without the worker around it.
#pragma once

#include <string>

#include "retrieval/extractor/parser.h"

namespace conclave::retrieval::extractor {

inline Result<ExtractedDocument> parsed(const std::string& bytes, const std::string& name) {
    return parseDocument({.bytes = bytes, .fileName = name, .password = {}}, nullptr);
}

}  // namespace conclave::retrieval::extractor
