#include "retrieval/extractor/encoding.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include <uchardet/uchardet.h>
#include <unicode/ucnv.h>

#include "base/utf8.h"

namespace conclave::retrieval::extractor {
namespace {

struct ConverterCloser {
    void operator()(UConverter* converter) const { ucnv_close(converter); }
};
struct DetectorDeleter {
    void operator()(uchardet* detector) const { uchardet_delete(detector); }
};

unsigned char byteAt(std::string_view bytes, std::size_t i) {
    return static_cast<unsigned char>(bytes[i]);
}

/// Names for which ICU has another one, and narrow encodings whose superset is what is really used.
std::string icuName(std::string_view name) {
    constexpr auto kNames = std::to_array<std::pair<std::string_view, std::string_view>>({
        {"GB2312", "gb18030"},
        {"GBK", "gb18030"},
        {"SHIFT_JIS", "windows-31j"},
        {"EUC-KR", "windows-949"},
        {"UHC", "windows-949"},
        {"HZ-GB-2312", "HZ-GB-2312"},
        {"ISO-8859-1", "windows-1252"},
        {"TIS-620", "windows-874"},
        {"MAC-CYRILLIC", "x-mac-cyrillic"},
        {"MAC-CENTRALEUROPE", "x-mac-centraleurroman"},
    });
    std::string upper(name);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                     [&](const auto& pair) { return pair.first == upper; });
    return found != kNames.end() ? std::string(found->second) : std::string(name);
}

/// Decodes all of `bytes`; none if ICU does not know the encoding.
std::optional<DecodedText> decodeAs(std::string_view bytes, std::string_view name) {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<UConverter, ConverterCloser> from(
        ucnv_open(icuName(name).c_str(), &status));
    const std::unique_ptr<UConverter, ConverterCloser> to(ucnv_open("UTF-8", &status));
    if (U_FAILURE(status)) return std::nullopt;

    DecodedText decoded;
    decoded.encoding = name;
    decoded.text.reserve(bytes.size() + bytes.size() / 2);
    std::array<UChar, 2048> pivot{};
    UChar* pivotSource = pivot.data();
    UChar* pivotTarget = pivot.data();
    std::array<char, 8192> buffer{};
    const char* source = bytes.data();
    const char* const end = bytes.data() + bytes.size();
    bool isFirst = true;
    do {
        char* target = buffer.data();
        status = U_ZERO_ERROR;
        ucnv_convertEx(to.get(), from.get(), &target, buffer.data() + buffer.size(), &source, end,
                       pivot.data(), &pivotSource, &pivotTarget, pivot.data() + pivot.size(),
                       isFirst ? 1 : 0, 1, &status);
        isFirst = false;
        decoded.text.append(buffer.data(), static_cast<std::size_t>(target - buffer.data()));
    } while (status == U_BUFFER_OVERFLOW_ERROR);
    if (U_FAILURE(status)) return std::nullopt;
    decoded.isLossless = decoded.text.find("\xEF\xBF\xBD") == std::string::npos;
    return decoded;
}

std::optional<DecodedText> decodeByMark(std::string_view bytes) {
    using namespace std::string_view_literals;
    if (bytes.starts_with("\xEF\xBB\xBF")) {
        bytes.remove_prefix(3);
        const bool isValid = isValidUtf8(bytes);
        return DecodedText{isValid ? std::string(bytes) : toValidUtf8(bytes), "UTF-8", isValid};
    }
    if (bytes.starts_with("\xFF\xFE\0\0"sv)) return decodeAs(bytes.substr(4), "UTF-32LE");
    if (bytes.starts_with("\0\0\xFE\xFF"sv)) return decodeAs(bytes.substr(4), "UTF-32BE");
    if (bytes.starts_with("\xFF\xFE")) return decodeAs(bytes.substr(2), "UTF-16LE");
    if (bytes.starts_with("\xFE\xFF")) return decodeAs(bytes.substr(2), "UTF-16BE");
    return std::nullopt;
}

/// UTF-16 without a mark: units that are spaces, line ends, ASCII or CJK punctuation stand in one
/// byte order and make no sense in the other.
std::string_view guessUtf16(std::string_view bytes) {
    constexpr std::size_t kSample = 4096;
    const std::string_view sample = bytes.substr(0, kSample & ~std::size_t{1});
    if (sample.size() < 4 || bytes.size() % 2 != 0) return {};
    std::size_t little = 0;
    std::size_t big = 0;
    const auto isTelling = [](unsigned high, unsigned low) {
        if (high == 0)
            return (low >= 0x20 && low < 0x7F) || low == '\n' || low == '\r' || low == '\t';
        return (high == 0x30 && low <= 0x02) || (high == 0xFF && (low == 0x0C || low == 0x1F));
    };
    for (std::size_t i = 0; i + 1 < sample.size(); i += 2) {
        if (isTelling(byteAt(sample, i + 1), byteAt(sample, i))) ++little;
        if (isTelling(byteAt(sample, i), byteAt(sample, i + 1))) ++big;
    }
    const std::size_t nUnits = sample.size() / 2;
    const std::size_t more = std::max(little, big);
    const std::size_t fewer = std::min(little, big);
    // Such units are at least one in 50 even of dense Chinese; 8-bit text has hardly any.
    if (more * 50 < nUnits || more < 2 || fewer * 4 > more) return {};
    if (sample.find('\0') == std::string_view::npos && more * 20 < nUnits) return {};
    return little > big ? "UTF-16LE" : "UTF-16BE";
}

/// UTF-8 with a few damaged places, as a log that was cut: most sequences are whole.
bool isNearlyUtf8(std::string_view bytes) {
    std::size_t nWhole = 0;
    std::size_t nBroken = 0;
    for (std::size_t i = 0; i < bytes.size();) {
        const std::size_t from = i;
        const char32_t c = nextCodePoint(bytes, i);
        if (byteAt(bytes, from) < 0x80) continue;
        if (c == 0xFFFD && bytes.substr(from, i - from) != "\xEF\xBF\xBD") {
            ++nBroken;
        } else {
            ++nWhole;
        }
    }
    return nWhole > 20 * nBroken;
}

/// More than a stray control character: machine data, not text.
bool isBinary(std::string_view bytes) {
    constexpr std::size_t kSample = 65536;
    const std::string_view sample = bytes.substr(0, kSample);
    const auto nControls = std::count_if(sample.begin(), sample.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t' && byte != '\f' &&
               byte != 0x1B && byte != '\v' && byte != '\b';
    });
    constexpr std::size_t kStray = 4;  // in a short text they are more than a fiftieth
    const auto n = static_cast<std::size_t>(nControls);
    return n * (n <= kStray ? 4 : 50) > sample.size();
}

std::string detect(std::string_view bytes) {
    constexpr std::size_t kSample = std::size_t{1} << 20;
    const std::unique_ptr<uchardet, DetectorDeleter> detector(uchardet_new());
    const std::string_view sample = bytes.substr(0, kSample);
    if (uchardet_handle_data(detector.get(), sample.data(), sample.size()) != 0) return {};
    uchardet_data_end(detector.get());
    return uchardet_get_charset(detector.get());
}

/// What uchardet answers when nothing speaks for anything.
bool isWeakGuess(std::string_view name) {
    return name.empty() || name == "ASCII" || name == "WINDOWS-1252" ||
           name.starts_with("ISO-8859");
}

}  // namespace

Result<DecodedText> decodeText(std::string_view bytes, std::string_view declared) {
    if (auto marked = decodeByMark(bytes)) return std::move(*marked);
    if (const std::string_view utf16 = guessUtf16(bytes); !utf16.empty()) {
        if (auto decoded = decodeAs(bytes, utf16); decoded && decoded->isLossless) {
            return std::move(*decoded);
        }
    }
    if (isBinary(bytes)) return fail(ErrorCode::Unsupported, "the file is binary data, not text");
    if (isValidUtf8(bytes)) return DecodedText{std::string(bytes), "UTF-8", true};
    if (isNearlyUtf8(bytes)) return DecodedText{toValidUtf8(bytes), "UTF-8", false};

    const std::string guess = detect(bytes);
    if (isWeakGuess(guess) && !declared.empty()) {
        if (auto decoded = decodeAs(bytes, declared); decoded && decoded->isLossless) {
            return std::move(*decoded);
        }
    }
    for (const std::string_view name :
         {std::string_view(guess), declared, std::string_view("windows-1252")}) {
        if (name.empty()) continue;
        if (auto decoded = decodeAs(bytes, name)) return std::move(*decoded);
    }
    return DecodedText{toValidUtf8(bytes), "UTF-8", false};
}

std::optional<DecodedText> decodeDeclared(std::string_view bytes, std::string_view declared) {
    auto decoded = decodeAs(bytes, declared);
    if (decoded && !decoded->isLossless) return std::nullopt;
    return decoded;
}

}  // namespace conclave::retrieval::extractor
