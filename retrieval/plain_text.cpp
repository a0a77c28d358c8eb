#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "retrieval/characters.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

/// Larger ones are left to the worker program, which has a limit of memory.
constexpr std::size_t kMostPlainBytes = std::size_t{16} << 20U;

/// What the reader of texts would take out (hidden_text.cpp), and some more; ascending.
constexpr auto kNotPlain = std::to_array<std::pair<char32_t, char32_t>>({
    {0x7F, 0x9F},
    {0x61C, 0x61C},
    {0x115F, 0x1160},
    {0x180B, 0x180F},
    {0x200B, 0x200F},
    {0x2028, 0x202E},
    {0x2060, 0x206F},
    {0x3164, 0x3164},
    {0xFE00, 0xFE0F},
    {0xFEFF, 0xFEFF},
    {0xFFF0, 0xFFFF},
    {0xE0000, 0x10FFFF},
});

bool isPlainCharacter(char32_t c) {
    if (c < 0x20) return c >= U'\t' && c <= U'\r';
    if (isIdeograph(c)) return true;
    const auto* range =
        std::lower_bound(kNotPlain.begin(), kNotPlain.end(), c,
                         [](const auto& each, char32_t wanted) { return each.second < wanted; });
    return range == kNotPlain.end() || c < range->first;
}

/// Eight bytes from 0x20 to 0x7E.
bool startsWithEightPlain(std::string_view text, std::size_t position) {
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    std::uint64_t bytes = 0;
    if (text.size() - position < sizeof bytes) return false;
    std::memcpy(&bytes, text.data() + position, sizeof bytes);
    // In a byte below 0x80 neither step carries into the next one.
    const std::uint64_t belowSpace = ~((bytes | 0x80 * kOnes) - 0x20 * kOnes);
    return ((bytes | belowSpace | (bytes + kOnes)) & 0x80 * kOnes) == 0;
}

/// Valid UTF-8 of such characters. The reader puts U+FFFD where there is none, which is not plain.
bool isPlain(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        if (startsWithEightPlain(text, i)) {
            i += sizeof(std::uint64_t);
            continue;
        }
        char32_t c = nextCodePoint(text, i);
        while (isIdeograph(c) && i < text.size()) c = nextCodePoint(text, i);
        if (!isPlainCharacter(c)) return false;
    }
    return true;
}

bool isPlainName(const std::filesystem::path& name) {
    std::string extension = name.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    return extension == ".txt" || extension == ".text" || extension == ".log";
}

}  // namespace

bool mayBePlainText(const std::filesystem::path& name, std::uint64_t sizeBytes) {
    return sizeBytes <= kMostPlainBytes && isPlainName(name);
}

std::optional<ExtractedDocument> readPlainText(const std::filesystem::path& name,
                                               std::string& bytes) {
    constexpr std::size_t kHeader = 1024;
    const bool isOther =
        bytes.starts_with("RIFF") ||
        std::string_view(bytes).substr(0, kHeader).find("%PDF-") != std::string_view::npos;
    if (!mayBePlainText(name, bytes.size()) || isOther || !isPlain(bytes)) return std::nullopt;
    ExtractedDocument document;
    document.mime = "text/plain";
    document.title = toValidUtf8(name.stem().string());
    document.pages.push_back({.number = 1, .text = std::move(bytes)});
    return document;
}

}  // namespace conclave::retrieval
