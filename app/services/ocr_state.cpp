#include "app/services/ocr_state.h"

#include <array>
#include <cstdio>
#include <memory>
#include <sstream>

#include "retrieval/retrieval.h"

namespace conclave::services {

std::vector<std::string> languagesIn(const std::string& listing) {
    std::vector<std::string> languages;
    std::istringstream lines(listing);
    for (std::string line; std::getline(lines, line);) {
        // The first line is a sentence about what follows.
        const bool isName = !line.empty() && line.find_first_of(" :()\"") == std::string::npos;
        if (isName && line != "osd") languages.push_back(line);
    }
    return languages;
}

std::vector<std::string> installedOcrLanguages() {
    if (retrieval::findOcrProgram().empty()) return {};
    struct Close {
        void operator()(std::FILE* pipe) const { ::pclose(pipe); }
    };
    const std::unique_ptr<std::FILE, Close> pipe(
        ::popen("tesseract --list-langs 2>/dev/null", "r"));
    if (!pipe) return {};
    std::string listing;
    std::array<char, 4096> part{};
    while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe.get())) {
        listing.append(part.data(), n);
    }
    return languagesIn(listing);
}

}  // namespace conclave::services
