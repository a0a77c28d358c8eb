// encoding.h: bytes of unknown encoding to UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace conclave::retrieval::extractor {

struct DecodedText {
    std::string text;        ///< valid UTF-8 without a byte order mark
    std::string encoding;    ///< name of what it was, as "UTF-8" or "GB18030"
    bool isLossless = true;  ///< false: some bytes were no characters of it and became U+FFFD
};

/// Byte order mark; strict UTF-8; UTF-16 by its zero bytes; UTF-8 with few faults; then uchardet.
/// `declared` is what the document says about itself and only helps where detection is unsure.
/// Errors: Unsupported for binary data.
[[nodiscard]] Result<DecodedText> decodeText(std::string_view bytes,
                                             std::string_view declared = {});

/// All of `bytes` as what they are declared to be. None if that is unknown or they are not.
[[nodiscard]] std::optional<DecodedText> decodeDeclared(std::string_view bytes,
                                                        std::string_view declared);

}  // namespace conclave::retrieval::extractor
