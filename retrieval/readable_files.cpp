#include <algorithm>
#include <array>
#include <string>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

// Sorted by bytes, for binary search.
constexpr auto kExtensions = std::to_array<std::string_view>({
    ".adoc",     ".asciidoc", ".bash",  ".bat",  ".c",    ".cc",      ".cfg",   ".cmake", ".conf",
    ".cpp",      ".cs",       ".css",   ".csv",  ".cu",   ".cxx",     ".dart",  ".diff",  ".docm",
    ".docx",     ".dotx",     ".eml",   ".epub", ".ex",   ".geojson", ".go",    ".h",     ".hh",
    ".hpp",      ".hs",       ".htm",   ".html", ".hxx",  ".ini",     ".ipynb", ".java",  ".jl",
    ".js",       ".json",     ".jsonl", ".jsx",  ".kt",   ".lisp",    ".log",   ".lua",   ".m",
    ".markdown", ".mbox",     ".mbx",   ".md",   ".mdx",  ".mht",     ".mhtml", ".mjs",   ".ml",
    ".ndjson",   ".odp",      ".ods",   ".odt",  ".org",  ".otp",     ".ots",   ".ott",   ".patch",
    ".pdf",      ".php",      ".pl",    ".pm",   ".potx", ".ppsx",    ".pptm",  ".pptx",  ".proto",
    ".ps1",      ".py",       ".pyi",   ".r",    ".rb",   ".rs",      ".rst",   ".scala", ".sh",
    ".sql",      ".swift",    ".tab",   ".tex",  ".text", ".toml",    ".ts",    ".tsv",   ".tsx",
    ".txt",      ".vim",      ".xhtml", ".xlsm", ".xlsx", ".xltx",    ".xml",   ".yaml",  ".yml",
    ".zig",
});

constexpr auto kNames = std::to_array<std::string_view>(
    {"authors", "changelog", "copying", "dockerfile", "license", "makefile", "news", "readme"});

std::string loweredName(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    return text;
}

}  // namespace

bool isPicture(const std::filesystem::path& path) {
    constexpr auto kPictures = std::to_array<std::string_view>(
        {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"});
    const std::string extension = loweredName(path.extension().string());
    return std::find(kPictures.begin(), kPictures.end(), extension) != kPictures.end();
}

bool isReadable(const std::filesystem::path& path) {
    static_assert(std::is_sorted(kExtensions.begin(), kExtensions.end()));
    const std::string extension = loweredName(path.extension().string());
    if (!extension.empty()) {
        return std::binary_search(kExtensions.begin(), kExtensions.end(), extension);
    }
    const std::string name = loweredName(path.filename().string());
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace conclave::retrieval
