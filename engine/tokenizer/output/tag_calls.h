// tag_calls.h: calls of tools that are written as tags with a value in each.
#pragma once

#include "engine/tokenizer/output/call_arguments.h"
#include "engine/tokenizer/output/call_cursor.h"

namespace conclave::engine {

// Each reads one call, or a mark around calls, and adds it; false if there is none (or not yet).
// `tools` are the request's, see argumentOf.

/// <invoke name="NAME"><parameter name="KEY">VALUE</parameter>…</invoke>, with other words for the
/// tags in other families.
[[nodiscard]] bool readInvoke(CallCursor& cursor, const CallJson& tools, Calls& calls);

/// <invoke name="NAME"><KEY>VALUE</KEY>…</invoke>, where values may be tags in turn, and each tag
/// has a mark of its own before it.
[[nodiscard]] bool readNestedTags(CallCursor& cursor, const CallJson& tools, Calls& calls);

/// <|open|>call tool="NAME" …<|sep|><|open|>argument key="KEY" type="TYPE"<|sep|>VALUE
/// <|close|>argument<|sep|>…<|close|>call<|sep|>
[[nodiscard]] bool readOpenClose(CallCursor& cursor, Calls& calls);

}  // namespace conclave::engine
