#include "engine/tokenizer/composed_form.h"

#include <algorithm>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include "base/utf8.h"

namespace conclave::engine {

std::optional<std::string> composedForm(std::string_view text) {
    // Every character below U+0300 is composed and stays so before any other of these; in UTF-8 all
    // of them begin with a byte below 0xCC.
    constexpr unsigned char kFirstMark = 0xCC;
    const auto isLow = [](char c) { return static_cast<unsigned char>(c) < kFirstMark; };
    if (std::all_of(text.begin(), text.end(), isLow) || !isValidUtf8(text)) return std::nullopt;
    static const icu::Normalizer2* const form = [] {
        UErrorCode failure = U_ZERO_ERROR;
        const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(failure);
        return U_SUCCESS(failure) ? nfc : nullptr;
    }();
    UErrorCode status = U_ZERO_ERROR;
    const icu::StringPiece source(text.data(), static_cast<std::int32_t>(text.size()));
    if (form == nullptr || form->isNormalizedUTF8(source, status) || U_FAILURE(status)) {
        return std::nullopt;
    }
    std::string composed;
    icu::StringByteSink<std::string> sink(&composed);
    form->normalizeUTF8(0, source, sink, nullptr, status);
    if (U_FAILURE(status)) return std::nullopt;
    return composed;
}

}  // namespace conclave::engine
