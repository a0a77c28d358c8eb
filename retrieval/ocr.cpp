#include "retrieval/ocr.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "retrieval/extractor_process.h"

namespace conclave::retrieval {
namespace {

namespace fs = std::filesystem;

class OpenFile {
public:
    explicit OpenFile(int descriptor) : m_descriptor(descriptor) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (m_descriptor >= 0) ::close(m_descriptor);
    }
    [[nodiscard]] int get() const { return m_descriptor; }

private:
    int m_descriptor;
};

/// "eng+chi_sim": letters, digits and marks that cannot be an option or a path.
bool isLanguageList(std::string_view languages) {
    return !languages.empty() && languages.front() != '-' &&
           std::all_of(languages.begin(), languages.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '+' || c == '-';
           });
}

bool isPdf(const fs::path& path) {
    constexpr std::size_t kHeaderWithin = 1024;
    std::array<char, kHeaderWithin> start{};
    std::ifstream file(path, std::ios::binary);
    file.read(start.data(), start.size());
    const std::string_view read(start.data(), static_cast<std::size_t>(file.gcount()));
    return read.find("%PDF-") != std::string_view::npos;
}

bool isBlankText(std::string_view text) {
    return text.find_first_not_of(" \t\r\n\f") == std::string_view::npos;
}

std::string packagesHint(const std::string& languages) {
    std::string packages = "tesseract-ocr";
    for (std::size_t start = 0; start < languages.size();) {
        const std::size_t end = std::min(languages.find('+', start), languages.size());
        std::string language = languages.substr(start, end - start);
        std::replace(language.begin(), language.end(), '_', '-');
        if (language != "eng") packages += " tesseract-ocr-" + language;
        start = end + 1;
    }
    return "install the packages " + packages;
}

/// Recognises one picture that `input` is open for; pages of a TIFF are told apart by form feeds.
Result<std::string> readPicture(const fs::path& worker, const fs::path& program, int input,
                                const ExtractOptions& options, const fs::path& about) {
    auto text = runLimited(worker, {"--ocr", program, options.ocrLanguages}, input, options, about);
    if (text || text.error().code != ErrorCode::Corrupt) return text;
    return fail(ErrorCode::NeedsOcr, "tesseract could not read " + about.filename().string() +
                                         " in " + options.ocrLanguages +
                                         "; the picture is damaged, or a language is missing: " +
                                         packagesHint(options.ocrLanguages));
}

/// A picture of one page of a PDF, as an open file in memory; -1 behind the last page.
Result<int> pictureOfPage(const fs::path& worker, const fs::path& path, int page,
                          const ExtractOptions& options) {
    const OpenFile nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const fs::path renderer = worker.parent_path() / "conclave-extract-pdf";
    std::error_code problem;
    if (!fs::exists(renderer, problem)) {
        return fail(ErrorCode::Unsupported,
                    "this build of Conclave reads no PDF; it was made without Qt");
    }
    const auto picture =
        runLimited(renderer, {"--render", std::to_string(page), fs::absolute(path, problem)},
                   nothing.get(), options, path);
    if (!picture) return tl::unexpected(picture.error());
    if (picture->empty()) return -1;  // there is no such page
    return fileInMemory(*picture);
}

}  // namespace

std::filesystem::path findOcrProgram() {
    const char* const path = std::getenv("PATH");
    std::string_view left = path != nullptr ? path : "";
    while (!left.empty()) {
        const std::size_t end = std::min(left.find(':'), left.size());
        const fs::path program = fs::path(left.substr(0, end)) / "tesseract";
        left.remove_prefix(std::min(end + 1, left.size()));
        if (program.is_absolute() && ::access(program.c_str(), X_OK) == 0) return program;
    }
    return {};
}

Result<ExtractedDocument> recognizeText(const fs::path& worker, const fs::path& path,
                                        const ExtractOptions& options) {
    if (!isLanguageList(options.ocrLanguages)) {
        return fail(ErrorCode::InvalidArgument,
                    "languages are named as in eng+chi_sim, not \"" + options.ocrLanguages + "\"");
    }
    const fs::path program = findOcrProgram();
    if (program.empty()) {
        return fail(ErrorCode::NeedsOcr, path.filename().string() +
                                             " has no text, and tesseract is not installed: " +
                                             packagesHint(options.ocrLanguages));
    }
    ExtractedDocument document;
    const auto addPage = [&](std::string text) {
        document.pages.push_back({static_cast<int>(document.pages.size()) + 1, std::move(text)});
    };
    if (isPdf(path)) {
        document.mime = "application/pdf";
        constexpr int kMostPages = 2000;
        for (const std::string& text : options.recognizedBefore) addPage(text);
        for (int page = static_cast<int>(document.pages.size()) + 1; page <= kMostPages; ++page) {
            const auto picture = pictureOfPage(worker, path, page, options);
            if (!picture) return tl::unexpected(picture.error());
            if (*picture < 0) break;
            const OpenFile file(*picture);
            auto text = readPicture(worker, program, file.get(), options, path);
            if (!text) return tl::unexpected(text.error());
            while (text->ends_with('\f')) text->pop_back();
            if (options.onRecognized && !options.onRecognized(page, *text)) {
                return fail(ErrorCode::Cancelled, "reading was stopped");
            }
            addPage(std::move(*text));
        }
    } else {
        const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (file.get() < 0) {
            return fail(ErrorCode::Io,
                        "cannot open " + path.string() + ": " + std::strerror(errno));
        }
        auto text = readPicture(worker, program, file.get(), options, path);
        if (!text) return tl::unexpected(text.error());
        document.mime = "image";
        std::string_view left = *text;
        while (!left.empty()) {
            const std::size_t end = std::min(left.find('\f'), left.size());
            addPage(std::string(left.substr(0, end)));
            left.remove_prefix(std::min(end + 1, left.size()));
        }
    }
    const bool isBlank =
        std::all_of(document.pages.begin(), document.pages.end(),
                    [](const ExtractedPage& page) { return isBlankText(page.text); });
    if (isBlank) {
        return fail(ErrorCode::NeedsOcr, "tesseract found no text in " + path.filename().string());
    }
    document.title = path.stem().string();
    document.warnings.emplace_back("text recognised in pictures; it may have mistakes");
    return document;
}

}  // namespace conclave::retrieval
