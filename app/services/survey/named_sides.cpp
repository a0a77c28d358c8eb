#include "app/services/survey/named_sides.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "app/services/survey/question_words.h"
#include "base/utf8.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace {

using NameWords = std::vector<std::string>;

/// "lease A", "Lease_a" and "leaseA1" in words: letters and digits apart, of Chinese each
/// character.
NameWords nameWordsOf(std::string_view name) {
    constexpr char32_t kFirstCjk = 0x2E80;
    enum class CharacterKind { None, Letter, Digit };
    NameWords words;
    CharacterKind last = CharacterKind::None;
    const std::string lower = lowerCased(name);
    for (std::size_t position = 0; position < lower.size();) {
        const std::size_t start = position;
        const char32_t c = nextCodePoint(lower, position);
        const std::string_view character = std::string_view(lower).substr(start, position - start);
        if (c >= kFirstCjk) {
            const bool isMark = (c >= 0x3000 && c <= 0x303F) || (c >= 0xFF00 && c <= 0xFF0F);
            if (!isMark) words.emplace_back(character);
            last = CharacterKind::None;
            continue;
        }
        const bool isDigit = c >= '0' && c <= '9';
        const bool isLetter = (c >= 'a' && c <= 'z') || c >= 0xC0;
        const CharacterKind kind = isDigit    ? CharacterKind::Digit
                                   : isLetter ? CharacterKind::Letter
                                              : CharacterKind::None;
        if (kind != CharacterKind::None && kind == last) {
            words.back().append(character);
        } else if (kind != CharacterKind::None) {
            words.emplace_back(character);
        }
        last = kind;
    }
    return words;
}

/// Without what only leads to a name, and the ending of a file.
NameWords sideWordsOf(const std::string& side) {
    static constexpr auto kLeading = std::to_array<std::string_view>(
        {"the", "document", "documents", "file", "files", "our", "my"});
    const std::size_t last = side.find_last_not_of(" \t\"'”");
    const std::filesystem::path path = side.substr(0, last == std::string::npos ? 0 : last + 1);
    const bool isFile = path.has_extension() && retrieval::isReadable(path);
    NameWords words = nameWordsOf(isFile ? path.stem().string() : path.string());
    while (words.size() > 1 &&
           std::find(kLeading.begin(), kLeading.end(), words.front()) != kLeading.end()) {
        words.erase(words.begin());
    }
    return words;
}

bool isIdentifier(const std::string& word) {
    const bool isDigit = word.front() >= '0' && word.front() <= '9';
    return isDigit || (word.size() == 1 && word.front() >= 'a' && word.front() <= 'z');
}

bool hasIdentifier(const NameWords& words) {
    return std::any_of(words.begin(), words.end(), isIdentifier);
}

bool hasDocumentNoun(const std::string& side, const NameWords& words) {
    return chineseDocumentNoun(side).endByte > 0 ||
           std::any_of(words.begin(), words.end(), [](const std::string& word) {
               return isSingularDocumentNoun(word) || pluralDocumentNoun(word, 1).endByte > 0;
           });
}

bool isSameName(const NameWords& name, const NameWords& words) { return name == words; }

bool hasAllWords(const NameWords& name, const NameWords& words) {
    return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
        return std::find(name.begin(), name.end(), word) != name.end();
    });
}

bool hasInARow(const NameWords& name, const NameWords& words) {
    return std::search(name.begin(), name.end(), words.begin(), words.end()) != name.end();
}

/// Documents that a side names; none if it names none, or too many to mean them.
std::vector<DocumentId> namedBy(const std::string& side, const std::vector<Document>& documents) {
    constexpr std::size_t kMost = 3;
    const NameWords words = sideWordsOf(side);
    if (words.empty()) return {};
    const std::size_t first = side.find_first_not_of(" \t\"'");
    const bool isName =
        first != std::string::npos && std::isupper(static_cast<unsigned char>(side[first])) != 0;
    const bool saysKind =
        words.size() > 1 && (hasIdentifier(words) || hasDocumentNoun(side, words));
    const bool mayBePart = isName || saysKind;
    using Test = bool (*)(const NameWords&, const NameWords&);  // the strictest first
    for (const Test test : {isSameName, hasInARow, hasAllWords}) {
        if (test != isSameName && !mayBePart) break;
        std::vector<DocumentId> found;
        for (const Document& document : documents) {
            if (test(nameWordsOf(document.path.stem().string()), words) ||
                test(nameWordsOf(document.title), words)) {
                found.push_back(document.id);
            }
        }
        // "Elm Street" of two leases is a place where they are.
        const bool isOfSeveral = !saysKind && test != isSameName && found.size() > 1;
        if (isOfSeveral) return {};
        if (!found.empty()) return found.size() <= kMost ? found : std::vector<DocumentId>();
    }
    return {};
}

}  // namespace

NamedSides namedSidesOf(const std::vector<std::string>& sides,
                        const std::vector<Document>& documents) {
    NamedSides named;
    if (sides.size() != 2) return named;
    const std::array<std::vector<DocumentId>, 2> found = {namedBy(sides[0], documents),
                                                          namedBy(sides[1], documents)};
    if (found[0].empty() && found[1].empty()) {
        // A letter is no word that sentences can be looked through for.
        for (const std::string& side : sides) {
            const NameWords words = sideWordsOf(side);
            const bool isLettered =
                words.size() > 1 && words.back().size() == 1 && isIdentifier(words.back());
            if (isLettered && hasDocumentNoun(side, words)) named.missing.push_back(side);
        }
        if (named.missing.size() < sides.size()) named.missing.clear();
        return named;
    }
    for (std::size_t side = 0; side < found.size(); ++side) {
        if (!found[side].empty()) continue;
        const NameWords words = sideWordsOf(sides[side]);
        if (!hasIdentifier(words) || !hasDocumentNoun(sides[side], words)) return {};
        named.missing.push_back(sides[side]);
    }
    for (std::size_t side = 0; side < found.size(); ++side) {
        for (const DocumentId id : found[side]) {
            if (!named.sideOf.emplace(id, static_cast<int>(side)).second) return {};
        }
    }
    return named;
}

bool isNamedAs(const std::vector<std::string>& sides, const std::filesystem::path& path) {
    Document document;
    document.path = path;
    return std::any_of(sides.begin(), sides.end(),
                       [&](const std::string& side) { return !namedBy(side, {document}).empty(); });
}

}  // namespace conclave::services
