// document_json.h: what the worker program writes on its standard output, and its reader.
//
//   {"ok":{"mime":"text/html","title":"…","pages":[{"page":1,"text":"…"}],
//          "headings":[[page,start,end,level],…],"warnings":["…"]}}
//   {"error":{"code":"password required","detail":"…"}}
//
// Or with the texts behind it, which need no escapes then: pages are {"page":1,"bytes":1234}, and
// after a line end come the texts one after another.
#pragma once

#include <string>
#include <string_view>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

enum class PageTexts { InJson, BehindIt };
[[nodiscard]] std::string toJson(const Result<ExtractedDocument>& document,
                                 PageTexts texts = PageTexts::InJson);

/// Reads either back as data of doubtful origin: the worker has read a hostile file. Headings out
/// of their page are left out. Errors: those written, Corrupt for anything that is not this format.
[[nodiscard]] Result<ExtractedDocument> documentFromJson(std::string_view text);

}  // namespace conclave::retrieval
