// document_json.h: what the worker program writes on its standard output, and its reader.
//
//   {"ok":{"mime":"text/html","title":"…","pages":[{"page":1,"text":"…"}],
//          "headings":[[page,start,end,level],…],"warnings":["…"]}}
//   {"error":{"code":"password required","detail":"…"}}
#pragma once

#include <string>
#include <string_view>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

[[nodiscard]] std::string toJson(const Result<ExtractedDocument>& document);

/// Reads it back as data of doubtful origin: the worker has read a hostile file. Headings out of
/// their page are left out. Errors: those written, Corrupt for anything that is not this format.
[[nodiscard]] Result<ExtractedDocument> documentFromJson(std::string_view text);

}  // namespace conclave::retrieval
